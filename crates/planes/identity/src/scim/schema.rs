//! The schemas this server knows: RFC 7643's user, enterprise user and group, as far as people in a directory have them.
//!
//! One table says what an attribute is. What clients are told about it, what they may send, and what a path or a filter
//! means all come from here.

use serde_json::{Value, json};

/// An attribute.
#[derive(Debug)]
pub(super) struct Attribute {
    /// Its name in the schema's own spelling.
    pub(super) name: &'static str,
    /// What a value is.
    pub(super) kind: Kind,
    /// Whether it has a list of values.
    pub(super) many: bool,
    /// Whether a resource must have it.
    pub(super) required: bool,
    /// Whether only the server sets it.
    pub(super) read_only: bool,
    /// Whether it stays as it was made.
    pub(super) immutable: bool,
    /// Whether case counts when values are compared.
    pub(super) exact: bool,
    /// Whether no two resources have the same value.
    pub(super) unique: bool,
    words: &'static str,
    canonical: &'static [&'static str],
}

/// What a value is.
#[derive(Debug)]
pub(super) enum Kind {
    /// A text.
    Text,
    /// True or false.
    Flag,
    /// The address of something: of these kinds.
    Reference(&'static [&'static str]),
    /// A group of attributes.
    Complex(&'static [Attribute]),
}

/// A schema.
#[derive(Debug)]
pub(super) struct Schema {
    pub(super) urn: &'static str,
    name: &'static str,
    words: &'static str,
    pub(super) attributes: &'static [Attribute],
}

impl Attribute {
    const fn new(name: &'static str, kind: Kind, words: &'static str) -> Self {
        Self {
            name,
            kind,
            many: false,
            required: false,
            read_only: false,
            immutable: false,
            exact: false,
            unique: false,
            words,
            canonical: &[],
        }
    }

    const fn many(mut self) -> Self {
        self.many = true;
        self
    }

    const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    const fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    const fn immutable(mut self) -> Self {
        self.immutable = true;
        self
    }

    const fn exact(mut self) -> Self {
        self.exact = true;
        self
    }

    const fn unique(mut self) -> Self {
        self.unique = true;
        self
    }

    const fn one_of(mut self, canonical: &'static [&'static str]) -> Self {
        self.canonical = canonical;
        self
    }

    /// The attributes inside it.
    pub(super) fn parts(&self) -> &'static [Attribute] {
        match self.kind {
            Kind::Complex(parts) => parts,
            _ => &[],
        }
    }

    /// The part of this name, without case.
    pub(super) fn part(&self, name: &str) -> Option<&'static Attribute> {
        named(self.parts(), name)
    }

    fn describe(&self) -> Value {
        let kind = match self.kind {
            Kind::Text => "string",
            Kind::Flag => "boolean",
            Kind::Reference(_) => "reference",
            Kind::Complex(_) => "complex",
        };
        let mutability = match (self.read_only, self.immutable) {
            (true, _) => "readOnly",
            (_, true) => "immutable",
            _ => "readWrite",
        };
        let mut described = json!({
            "name": self.name, "type": kind, "multiValued": self.many, "description": self.words,
            "required": self.required, "caseExact": self.exact, "mutability": mutability, "returned": "default",
            "uniqueness": if self.unique { "server" } else { "none" },
        });
        if let Kind::Reference(kinds) = self.kind {
            described["referenceTypes"] = json!(kinds);
        }
        if !self.canonical.is_empty() {
            described["canonicalValues"] = json!(self.canonical);
        }
        if let Kind::Complex(parts) = self.kind {
            described["subAttributes"] = parts.iter().map(Self::describe).collect();
        }
        described
    }
}

/// The attribute of this name, without case.
pub(super) fn named<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a Attribute> {
    attributes
        .iter()
        .find(|attribute| attribute.name.eq_ignore_ascii_case(name))
}

const fn text(name: &'static str, words: &'static str) -> Attribute {
    Attribute::new(name, Kind::Text, words)
}

const fn flag(name: &'static str, words: &'static str) -> Attribute {
    Attribute::new(name, Kind::Flag, words)
}

const fn complex(name: &'static str, parts: &'static [Attribute], words: &'static str) -> Attribute {
    Attribute::new(name, Kind::Complex(parts), words)
}

const fn reference(name: &'static str, kinds: &'static [&'static str], words: &'static str) -> Attribute {
    Attribute::new(name, Kind::Reference(kinds), words).exact()
}

const NAME: &[Attribute] = &[
    text("formatted", "The whole name as it is shown."),
    text("familyName", "The family name."),
    text("givenName", "The given name."),
    text("middleName", "The middle names."),
    text("honorificPrefix", "What stands before the name, such as Dr."),
    text("honorificSuffix", "What stands after the name, such as III."),
];

const PLACES: &[&str] = &["work", "home", "other"];

const fn way(kinds: &'static [&'static str]) -> [Attribute; 4] {
    [
        text("value", "The address or number."),
        text("display", "How it is shown."),
        text("type", "What it is for.").one_of(kinds),
        flag("primary", "Whether it is the preferred one."),
    ]
}

const EMAILS: &[Attribute] = &way(PLACES);
const PHONES: &[Attribute] = &way(&["work", "home", "mobile", "fax", "pager", "other"]);

const ADDRESSES: &[Attribute] = &[
    text("formatted", "The whole address as it is shown."),
    text("streetAddress", "Street and number."),
    text("locality", "The city."),
    text("region", "The state or region."),
    text("postalCode", "The postal code."),
    text("country", "The country."),
    text("type", "What it is for.").one_of(PLACES),
    flag("primary", "Whether it is the preferred one."),
];

const GROUPS: &[Attribute] = &[
    text("value", "The group's id.").read_only().exact(),
    reference("$ref", &["Group"], "The group's address.").read_only(),
    text("display", "The group's name.").read_only(),
    text(
        "type",
        "Whether the user is a member himself, or through another group.",
    )
    .read_only()
    .one_of(&["direct", "indirect"]),
];

const MANAGER: &[Attribute] = &[
    text("value", "The manager's id.").exact(),
    reference("$ref", &["User"], "The manager's address."),
    text("displayName", "The manager's name.").read_only(),
];

const MEMBERS: &[Attribute] = &[
    text("value", "The member's id.").immutable().exact(),
    reference("$ref", &["User", "Group"], "The member's address.").immutable(),
    text("type", "What the member is.")
        .immutable()
        .one_of(&["User", "Group"]),
];

/// RFC 7643, 4.1. There is no password: people who are provisioned sign in at their provider.
pub(super) static USER: Schema = Schema {
    urn: "urn:ietf:params:scim:schemas:core:2.0:User",
    name: "User",
    words: "A person in the directory.",
    attributes: &[
        text("userName", "The name to sign in with.").required().unique(),
        complex("name", NAME, "The parts of the person's name."),
        text("displayName", "What people call the person."),
        text("nickName", "A casual name."),
        reference("profileUrl", &["external"], "A page about the person."),
        text("title", "The job title."),
        text("userType", "How the person belongs to the organisation."),
        text("preferredLanguage", "The language the person prefers."),
        text("locale", "Where the person is, for formats of numbers and dates."),
        text("timezone", "The person's time zone."),
        flag(
            "active",
            "Whether the person may sign in. All that was issued ends when this becomes false.",
        ),
        complex("emails", EMAILS, "E-mail addresses.").many(),
        complex("phoneNumbers", PHONES, "Telephone numbers.").many(),
        complex("addresses", ADDRESSES, "Postal addresses.").many(),
        complex(
            "groups",
            GROUPS,
            "The groups the person is in; change the groups to change it.",
        )
        .many()
        .read_only(),
    ],
};

/// RFC 7643, 4.3.
pub(super) static ENTERPRISE: Schema = Schema {
    urn: "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
    name: "EnterpriseUser",
    words: "A person in an organisation.",
    attributes: &[
        text(
            "employeeNumber",
            "The number the organisation has for the person.",
        ),
        text("costCenter", "The cost centre."),
        text("organization", "The organisation."),
        text("division", "The division."),
        text("department", "The department."),
        complex("manager", MANAGER, "The person's manager."),
    ],
};

/// RFC 7643, 4.2.
pub(super) static GROUP: Schema = Schema {
    urn: "urn:ietf:params:scim:schemas:core:2.0:Group",
    name: "Group",
    words: "A group of people and groups.",
    attributes: &[
        text("displayName", "What the group is called.").required(),
        complex("members", MEMBERS, "Who is in the group.").many(),
    ],
};

/// What every resource has (RFC 7643, 3.1). It is in no schema's own list.
pub(super) static COMMON: &[Attribute] = &[
    text("id", "").read_only().exact().unique(),
    text("externalId", "").exact(),
    complex(
        "meta",
        &[
            text("resourceType", "").read_only().exact(),
            text("created", "").read_only().exact(),
            text("lastModified", "").read_only().exact(),
            reference("location", &["uri"], "").read_only(),
            text("version", "").read_only().exact(),
        ],
        "",
    )
    .read_only(),
];

/// Every schema.
pub(super) static ALL: [&Schema; 3] = [&USER, &ENTERPRISE, &GROUP];

impl Schema {
    pub(super) fn describe(&self, base: &str) -> Value {
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
            "id": self.urn, "name": self.name, "description": self.words,
            "attributes": self.attributes.iter().map(Attribute::describe).collect::<Vec<_>>(),
            "meta": { "resourceType": "Schema", "location": format!("{base}/Schemas/{}", self.urn) },
        })
    }
}
