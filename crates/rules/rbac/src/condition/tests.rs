use nave_arm::ResourceId;
use proptest::prelude::*;
use uuid::Uuid;

use super::{Condition, Truth, Truth::False, Truth::True, Truth::Unknown};
use crate::{AccessRequest, AttributeValue, Attributes, Plane, Source};

const BLOB_READ: &str = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read";
const PATH: &str = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs:path";
const ROLE: &str = "Microsoft.Authorization/roleAssignments:RoleDefinitionId";

struct Case {
    operation: &'static str,
    sub_operation: Option<&'static str>,
    attributes: Attributes,
}

fn case() -> Case {
    Case {
        operation: BLOB_READ,
        sub_operation: None,
        attributes: Attributes::new(),
    }
}

impl Case {
    fn with(mut self, source: Source, name: &str, value: impl Into<AttributeValue>) -> Self {
        self.attributes = self.attributes.with(source, name, value);
        self
    }

    fn with_list<const N: usize>(mut self, source: Source, name: &str, values: [&str; N]) -> Self {
        self.attributes = self.attributes.with_list(source, name, values);
        self
    }

    fn truth(&self, condition: &str) -> Truth {
        let scope = ResourceId::tenant();
        let request = AccessRequest {
            principal: Uuid::nil(),
            operation: self.operation,
            plane: Plane::Data,
            scope: &scope,
            sub_operation: self.sub_operation,
            attributes: &self.attributes,
            surroundings: &(),
        };
        Condition::parse(condition)
            .unwrap_or_else(|error| panic!("{condition}: {error}"))
            .evaluate(&request)
    }

    fn check(&self, expectations: &[(&str, Truth)]) {
        for (condition, expected) in expectations {
            assert_eq!(self.truth(condition), *expected, "{condition}");
        }
    }
}

fn refuse(texts: &[&str]) {
    for text in texts {
        let error = Condition::parse(text).expect_err(text);
        assert!(
            error.span.start <= error.span.end && error.span.end <= text.len(),
            "{text}: {error:?}"
        );
        assert!(
            text.is_char_boundary(error.span.start) && text.is_char_boundary(error.span.end),
            "{text}"
        );
    }
}

#[test]
fn and_and_or_need_grouping() {
    refuse(&[
        "ActionMatches{'a'} AND ActionMatches{'b'} OR ActionMatches{'c'}",
        "ActionMatches{'a'} || ActionMatches{'b'} && ActionMatches{'c'}",
    ]);
    case().check(&[
        (
            "(ActionMatches{'*'} AND ActionMatches{'b'}) OR ActionMatches{'*'}",
            True,
        ),
        (
            "ActionMatches{'*'} && (ActionMatches{'b'} or ActionMatches{'c'})",
            False,
        ),
        (
            "ActionMatches{'*'} and ActionMatches{'*'} && ActionMatches{'*'}",
            True,
        ),
    ]);
}

#[test]
fn not_binds_tightest() {
    case().check(&[
        ("NOT ActionMatches{'x'} AND ActionMatches{'*'}", True),
        ("!ActionMatches{'*'} OR ActionMatches{'x'}", False),
        ("!(ActionMatches{'x'} AND ActionMatches{'*'})", True),
        ("!!ActionMatches{'*'}", True),
        ("not ! not ActionMatches{'*'}", False),
        (
            "ActionMatches{'*'} AND NOT SubOperationMatches{'Blob.List'}",
            True,
        ),
    ]);
}

#[test]
fn words_have_no_case_and_space_is_free() {
    let case = case()
        .with(Source::Resource, PATH, "logs/a")
        .with(Source::Resource, "HasIt", true);
    case.check(&[
        ("@resource[HASIT] boolequals TRUE", True),
        (&format!("@Resource[{PATH}]StringLike'logs/*'"), True),
        (
            &format!(
                "\r\n\t@ReSource [{}]\nSTRINGEQUALS 'logs/a' ",
                PATH.to_uppercase()
            ),
            True,
        ),
        (
            &format!("@Resource[{PATH}] forAnyOfAnyValues:stringEquals{{'x','logs/a'}}"),
            True,
        ),
        ("EXISTS @Resource[hasit] and actionmatches{ '*' }", True),
    ]);
}

#[test]
fn guids_are_bare_or_quoted_with_or_without_dashes() {
    let case = case().with(Source::Request, ROLE, "49FC33C1-886F-4b21-a00e-1d9993234734");
    for guid in [
        "49fc33c1886f4b21a00e1d9993234734",
        "49fc33c1-886f-4b21-a00e-1d9993234734",
        "'49FC33C1886F4B21A00E1D9993234734'",
        "{49fc33c1-886f-4b21-a00e-1d9993234734}",
    ] {
        assert_eq!(
            case.truth(&format!("@Request[{ROLE}] GuidEquals {guid}")),
            True,
            "{guid}"
        );
        assert_eq!(
            case.truth(&format!("@Request[{ROLE}] GuidNotEquals {guid}")),
            False,
            "{guid}"
        );
    }
    assert_eq!(
        case.truth(&format!(
            "@Request[{ROLE}] GuidEquals 00000000000000000000000000000001"
        )),
        False
    );
    assert_eq!(
        case.truth(&format!("@Request[{ROLE}] GuidEquals 'Owner'")),
        Unknown
    );
}

#[test]
fn refuses_what_the_language_lacks() {
    refuse(&[
        "",
        "   ",
        "true",
        "'a'",
        "(",
        ")",
        "()",
        "ActionMatches",
        "ActionMatches{}",
        "ActionMatches{a}",
        "ActionMatches{'a'",
        "ActionMatches{'a',}",
        "ActionMatches{'a'} extra",
        "ActionMatches{'a'})",
        "(ActionMatches{'a'}",
        "ActionMatches{'a'} AND",
        "AND ActionMatches{'a'}",
        "NOT",
        "Exists",
        "Exists 'a'",
        "Exists @Somewhere[a]",
        "@Resource[a]",
        "@Resource[a] StringEquals",
        "@Resource[a] StringContains 'a'",
        "@Resource[a] ForSomeValues:StringEquals {'a'}",
        "@Resource[a] NumericNotLessThan 1",
        "@Resource[a] StringEquals \"a\"",
        "@Resource[a] StringEquals \u{2018}a\u{2019}",
        "@Resource[a] StringEquals 'it''s'",
        "@Resource[a] StringEquals 'open",
        "@Resource[a] StringEquals {}",
        "@Resource[a] NumericEquals 1.5",
        "@Resource[a] NumericEquals 99999999999999999999999999999999999999999999",
        "@Resource[] StringEquals 'a'",
        "@Resource[a StringEquals 'a'",
        "@Resource a",
        "@[a] StringEquals 'a'",
        "@Resource[a] StringEquals 'a' & ActionMatches{'a'}",
        "é",
    ]);
    let long = format!("ActionMatches{{'{}'}}", "x".repeat(8192));
    refuse(&[&long]);
}

#[test]
fn an_error_points_at_the_fault() {
    let error =
        Condition::parse("ActionMatches{'a'} AND @Resource[a] StringContains 'b'").expect_err("refused");
    assert_eq!(error.span, 36..50);
    assert_eq!(
        error.to_string(),
        "`StringContains` is not a comparison operator (line 1, column 37)"
    );
}

#[test]
fn an_error_says_what_would_be_right() {
    for (text, expected) in [
        (
            "ActionMatches{'a'} AND\n",
            "is expected where the condition ends (line 2, column 1)",
        ),
        (
            "ActionMatches{'a'}\n ActionMatches{'b'}",
            "AND, OR or the end of the condition is expected where `ActionMatches` stands (line 2, column 2)",
        ),
        (
            "(ActionMatches{'a'} @Resource[b]",
            "AND, OR or `)` is expected where `@Resource[b]` stands (line 1, column 21)",
        ),
        (
            "@Resource[a] StringEqual 'b'",
            "`StringEqual` is not a comparison operator; did you mean `StringEquals`? (line 1, column 14)",
        ),
        (
            "@Resource[a] ForAnyOfAnyValue:GuidEqual {'b'}",
            "did you mean `ForAnyOfAnyValues:GuidEquals`? (line 1, column 14)",
        ),
        (
            "ActionMatch{'a'}",
            "`ActionMatch` is not a function or a value; did you mean `ActionMatches`? (line 1, column 1)",
        ),
        (
            "@Ressource[a] StringEquals 'b'",
            "there is no source `@Ressource`",
        ),
        ("@Resource[a] = 'b'", "comparisons are written in words"),
        (
            "ActionMatches{a}",
            "text in single quotes is expected where `a` stands (line 1, column 15)",
        ),
    ] {
        let error = Condition::parse(text).expect_err(text).to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn text_operators() {
    case()
        .with(Source::Resource, "a", "Logs/2024")
        .with(Source::Resource, "n", 5)
        .check(&[
            ("@Resource[a] StringEquals 'Logs/2024'", True),
            ("@Resource[a] StringEquals 'logs/2024'", False),
            ("@Resource[a] StringEqualsIgnoreCase 'LOGS/2024'", True),
            ("@Resource[a] StringNotEquals 'logs/2024'", True),
            ("@Resource[a] StringNotEqualsIgnoreCase 'logs/2024'", False),
            ("@Resource[a] StringStartsWith 'Logs/'", True),
            ("@Resource[a] StringStartsWith 'logs/'", False),
            ("@Resource[a] StringStartsWithIgnoreCase 'LOGS/'", True),
            ("@Resource[a] StringStartsWithIgnoreCase 'logs/20245'", False),
            ("@Resource[a] StringNotStartsWith 'logs/'", True),
            ("@Resource[a] StringNotStartsWithIgnoreCase 'logs/'", False),
            ("@Resource[a] StringLike 'Logs/*'", True),
            ("@Resource[a] StringLike 'logs/*'", False),
            ("@Resource[a] StringLikeIgnoreCase 'logs/20?4'", True),
            ("@Resource[a] StringNotLike 'Logs/*'", False),
            ("@Resource[a] StringNotLikeIgnoreCase 'x*'", True),
            ("'Logs/2024' StringEquals @Resource[a]", True),
            ("@Resource[n] StringEquals '5'", Unknown),
            ("@Resource[n] StringNotEquals '5'", Unknown),
        ]);
}

#[test]
fn truth_number_and_time_operators() {
    case()
        .with(Source::Resource, "b", true)
        .with(Source::Resource, "n", 7)
        .with(Source::Environment, "UtcNow", "2024-05-01T13:00:00.5Z")
        .check(&[
            ("@Resource[b] BoolEquals true", True),
            ("@Resource[b] BoolNotEquals true", False),
            ("@Resource[b] BoolEquals 'true'", Unknown),
            ("@Resource[n] NumericEquals 7", True),
            ("@Resource[n] NumericNotEquals 7", False),
            ("@Resource[n] NumericLessThan 7", False),
            ("@Resource[n] NumericLessThanEquals 7", True),
            ("@Resource[n] NumericGreaterThan -1", True),
            ("@Resource[n] NumericGreaterThanEquals 8", False),
            ("@Resource[n] NumericEquals '7'", Unknown),
            (
                "@Environment[UtcNow] DateTimeEquals '2024-05-01T13:00:00.5000000Z'",
                True,
            ),
            (
                "@Environment[UtcNow] DateTimeNotEquals '2024-05-01T13:00:00.5Z'",
                False,
            ),
            (
                "@Environment[UtcNow] DateTimeGreaterThan '2024-05-01T13:00:00.4999999Z'",
                True,
            ),
            (
                "@Environment[UtcNow] DateTimeGreaterThanEquals '2024-05-01T13:00:00.5Z'",
                True,
            ),
            (
                "@Environment[UtcNow] DateTimeLessThan '2024-05-01T13:00:00.5Z'",
                False,
            ),
            (
                "@Environment[UtcNow] DateTimeLessThanEquals '2025-01-01T00:00:00Z'",
                True,
            ),
            ("@Environment[UtcNow] DateTimeLessThan 'tomorrow'", Unknown),
        ]);
}

#[test]
fn cross_products_apply_the_operator_to_each_pair() {
    let a = "00000000-0000-0000-0000-00000000000a";
    let b = "00000000-0000-0000-0000-00000000000b";
    let case = case()
        .with(Source::Request, "r", a)
        .with_list(Source::Resource, "l", ["x", "y"]);
    case.check(&[
        // A differs from B, so excluding this way excludes nothing.
        (
            &format!("@Request[r] ForAnyOfAnyValues:GuidNotEquals {{{a}, {b}}}"),
            True,
        ),
        (
            &format!("@Request[r] ForAnyOfAllValues:GuidNotEquals {{{a}, {b}}}"),
            False,
        ),
        (
            &format!("@Request[r] ForAnyOfAllValues:GuidNotEquals {{{b}}}"),
            True,
        ),
        ("@Resource[l] ForAnyOfAnyValues:StringEquals {'y', 'z'}", True),
        ("@Resource[l] ForAnyOfAnyValues:StringEquals {'z'}", False),
        (
            "@Resource[l] ForAllOfAnyValues:StringEquals {'y', 'x', 'z'}",
            True,
        ),
        ("@Resource[l] ForAllOfAnyValues:StringEquals {'y', 'z'}", False),
        ("@Resource[l] ForAnyOfAllValues:StringLike {'*', 'x*'}", True),
        ("@Resource[l] ForAnyOfAllValues:StringEquals {'x', 'y'}", False),
        ("@Resource[l] ForAllOfAllValues:StringNotEquals {'a', 'b'}", True),
        ("@Resource[l] ForAllOfAllValues:StringNotEquals {'a', 'x'}", False),
        ("@Resource[l] ForAnyOfAnyValues:StringEquals {'y', 5}", True),
        ("@Resource[l] ForAllOfAllValues:StringLike {'*', 5}", Unknown),
        ("@Resource[l] StringEquals 'x'", Unknown),
        ("@Resource[l] StringNotEquals 'z'", Unknown),
        (
            "@Resource[missing] ForAllOfAllValues:StringNotEquals {'z'}",
            Unknown,
        ),
    ]);
}

#[test]
fn actions_match_as_in_roles_and_suboperations_by_name() {
    let mut case = case();
    case.check(&[
        (
            "ActionMatches{'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/*'}",
            True,
        ),
        ("ActionMatches{'x', 'microsoft.storage/*/READ'}", True),
        (
            "ActionMatches{'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write'}",
            False,
        ),
        ("SubOperationMatches{'Blob.List'}", False),
        ("NOT SubOperationMatches{'Blob.List'}", True),
        (
            "@Request[subOperation] ForAnyOfAnyValues:StringEqualsIgnoreCase {'Blob.List'}",
            False,
        ),
        (
            "NOT @Request[subOperation] ForAnyOfAnyValues:StringEqualsIgnoreCase {'Blob.List'}",
            True,
        ),
    ]);
    case.sub_operation = Some("blob.list");
    case.check(&[
        ("SubOperationMatches{'x', 'Blob.List'}", True),
        (
            "@Request[subOperation] ForAnyOfAnyValues:StringEqualsIgnoreCase {'Blob.List'}",
            True,
        ),
        (
            "@Resource[subOperation] ForAnyOfAnyValues:StringEqualsIgnoreCase {'Blob.List'}",
            Unknown,
        ),
    ]);
}

#[test]
fn a_missing_attribute_is_unknown_and_does_not_spoil_the_other_branch() {
    case()
        .with(Source::Resource, "a", "x")
        .with_list(Source::Resource, "empty", [])
        .check(&[
            ("@Request[a] StringEquals 'x'", Unknown),
            ("@Request[a] StringNotEquals 'x'", Unknown),
            ("NOT @Request[a] StringEquals 'x'", Unknown),
            (
                "@Request[v] DateTimeEquals '2024-05-01T13:00:00Z' OR NOT Exists @Request[v]",
                True,
            ),
            ("@Request[v] StringEquals 'x' AND ActionMatches{'x'}", False),
            ("@Request[v] StringEquals 'x' AND ActionMatches{'*'}", Unknown),
            ("@Request[v] StringEquals 'x' OR ActionMatches{'x'}", Unknown),
            ("@Resource[a] StringEquals @Request[v]", Unknown),
            ("Exists @Resource[a]", True),
            ("Exists @Request[a]", False),
            ("NOT Exists @Resource[empty]", True),
            ("@Resource[empty] ForAllOfAllValues:StringEquals {'x'}", Unknown),
        ]);
}

#[test]
fn a_marked_tag_key_keeps_its_case() {
    let tags = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/tags";
    case()
        .with(
            Source::Resource,
            &format!("{tags}:Project<$key_case_sensitive$>"),
            "Cascade",
        )
        .check(&[
            (
                &format!("@Resource[{tags}:Project<$key_case_sensitive$>] StringEquals 'Cascade'"),
                True,
            ),
            (
                &format!("@Resource[{tags}:project<$key_case_sensitive$>] StringEquals 'Cascade'"),
                Unknown,
            ),
            (
                &format!(
                    "@resource[{}:Project<$KEY_CASE_SENSITIVE$>] StringEquals 'Cascade'",
                    tags.to_uppercase()
                ),
                True,
            ),
        ]);
    case()
        .with_list(
            Source::Request,
            &format!("{tags}&$keys$&"),
            ["Project", "Program"],
        )
        .check(&[(
            &format!("@Request[{tags}&$keys$&] ForAllOfAnyValues:StringEquals {{'Project', 'Program'}}"),
            True,
        )]);
}

#[test]
fn the_usual_shape_lets_other_actions_pass() {
    let shape = "( !(ActionMatches{'A/write'}) OR (@Request[r] StringEquals 'x') ) AND \
                 ( !(ActionMatches{'A/delete'}) OR (@Resource[r] StringEquals 'x') )";
    for (operation, source, value, expected) in [
        ("A/read", Source::Request, "y", True),
        ("A/write", Source::Request, "x", True),
        ("A/write", Source::Request, "y", False),
        ("A/write", Source::Resource, "x", Unknown),
        ("A/delete", Source::Resource, "x", True),
        ("A/delete", Source::Request, "x", Unknown),
    ] {
        let case = Case { operation, ..case() }.with(source, "r", value);
        assert_eq!(case.truth(shape), expected, "{operation} {source} {value}");
    }
}

#[test]
fn values_no_operator_can_compare_are_found_when_written() {
    for (text, found) in [
        ("@Resource[a] NumericEquals 'x'", true),
        ("@Resource[a] StringEquals 5", true),
        ("@Resource[a] GuidEquals 'Owner'", true),
        ("@Resource[a] DateTimeEquals 'now'", true),
        ("@Resource[a] BoolEquals 1", true),
        ("@Resource[a] StringEquals {'a', 'b'}", true),
        (
            "ActionMatches{'a'} OR !(@Resource[a] ForAnyOfAnyValues:BoolEquals {true, 'x'})",
            true,
        ),
        ("@Resource[a] StringEquals {'a'}", false),
        (
            "@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionName] StringEquals 'x'",
            true,
        ),
        ("Exists @Environment[Weather]", true),
        ("@Principal[department] StringEquals 'x'", true),
        ("@Resource[a] StringEquals @Request[b]", false),
        ("Exists @Resource[a]", false),
    ] {
        let condition = Condition::parse(text).expect(text);
        assert_eq!(condition.never_evaluable().is_some(), found, "{text}");
    }
}

#[test]
fn nesting_is_limited_not_the_stack() {
    let nested = |depth: usize| format!("{}ActionMatches{{'*'}}{}", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(case().truth(&nested(100)), True);
    refuse(&[&nested(129), &nested(4000), &"(".repeat(8000), &"!(".repeat(4000)]);
    assert_eq!(
        case().truth(&format!("{}ActionMatches{{'*'}}", "!".repeat(8000))),
        True
    );
    let wide = vec!["ActionMatches{'*'}"; 300].join(" AND ");
    assert_eq!(case().truth(&wide), True);
}

#[test]
fn a_stored_condition_that_cannot_be_read_is_never_true() {
    let scope = ResourceId::tenant();
    let attributes = Attributes::new();
    let request = AccessRequest {
        principal: Uuid::nil(),
        operation: "a",
        plane: Plane::Control,
        scope: &scope,
        sub_operation: None,
        attributes: &attributes,
        surroundings: &(),
    };
    let condition = Condition::stored("ActionMatches{'*'} OR");
    assert_eq!(condition.evaluate(&request), Unknown);
    assert!(condition.error().is_some());
    assert_eq!(condition.text(), "ActionMatches{'*'} OR");
}

/// Expressions over three leaves of each truth, with their value worked out independently.
fn expression() -> impl Strategy<Value = (String, Option<bool>)> {
    let leaf = prop_oneof![
        Just((String::from("ActionMatches{'*'}"), Some(true))),
        Just((String::from("ActionMatches{'x'}"), Some(false))),
        Just((String::from("@Request[missing] StringEquals 'x'"), None)),
    ];
    leaf.prop_recursive(5, 40, 4, |inner| {
        prop_oneof![
            inner
                .clone()
                .prop_map(|(text, truth)| (format!("NOT ({text})"), truth.map(|truth| !truth))),
            (prop::collection::vec(inner, 2..5), any::<bool>()).prop_map(|(terms, and)| {
                let joined: Vec<_> = terms.iter().map(|(text, _)| format!("({text})")).collect();
                let truths: Vec<_> = terms.iter().map(|(_, truth)| *truth).collect();
                // The value that settles the chain; without it, an unknown leaves it open.
                let settles = Some(!and);
                let truth = if truths.contains(&settles) {
                    settles
                } else if truths.contains(&None) {
                    None
                } else {
                    Some(and)
                };
                (joined.join(if and { " AND " } else { "||" }), truth)
            }),
        ]
    })
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in ".{0,60}") {
        if let Err(error) = Condition::parse(&text) {
            prop_assert!(text.get(error.span).is_some());
        }
    }

    #[test]
    fn any_words_are_read_or_refused(words in prop::collection::vec(prop_oneof![
        Just("("), Just(")"), Just("{"), Just("}"), Just("!"), Just(","), Just(" AND "), Just("OR "), Just("NOT "),
        Just("ActionMatches"), Just("Exists "), Just("@Resource[a]"), Just("@"), Just("["), Just("'a'"), Just("'"),
        Just(" StringEquals "), Just(" ForAnyOfAnyValues:GuidEquals"), Just(" 5 "), Just("é"), Just("true "),
    ], 0..24)) {
        let text = words.concat();
        match Condition::parse(&text) {
            Ok(condition) => prop_assert!(case().truth(condition.text()) <= True),
            Err(error) => prop_assert!(text.get(error.span).is_some()),
        }
    }

    #[test]
    fn three_valued_logic_agrees_with_its_table((text, truth) in expression()) {
        prop_assume!(text.len() < 8192);
        let expected = truth.map_or(Unknown, Truth::from);
        prop_assert_eq!(case().truth(&text), expected);
    }
}
