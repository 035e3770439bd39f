//! The condition language, read a second time: naive, slow, and without a line of the crate. A condition is a tree of
//! texts, and its operators are taken apart by name whenever a pair of values is compared.

use crate::rules::covers;

/// Three-valued truth: `None` is unknown.
pub(crate) type Truth = Option<bool>;

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Scalar {
    Text(String),
    Bool(bool),
    Number(i128),
    /// What no operator reads.
    Other,
}

/// What a condition is judged on.
pub(crate) struct Facts<'a> {
    pub(crate) operation: &'a str,
    pub(crate) sub_operation: Option<&'a str>,
    /// Source in lower case, name as written, values.
    pub(crate) attributes: &'a [(String, String, Vec<Scalar>)],
}

pub(crate) enum Tree {
    And(Vec<Tree>),
    Or(Vec<Tree>),
    Not(Box<Tree>),
    Action(Vec<String>),
    SubOperation(Vec<String>),
    Exists(Side),
    Compare(Side, String, Side),
}

pub(crate) enum Side {
    Attribute(String, String),
    Values(Vec<Scalar>),
}

#[derive(Debug, Clone, PartialEq)]
enum Word {
    Sign(char),
    Quoted(String),
    Attribute(String, String),
    Plain(String),
}

/// The words of a text, or nothing when it has a sign that belongs to no word.
fn words(text: &str) -> Option<Vec<Word>> {
    let signs: Vec<char> = text.chars().collect();
    let mut words = Vec::new();
    let mut at = 0;
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_:".contains(c);
    let blank = |c: char| " \t\r\n".contains(c);
    while at < signs.len() {
        let c = signs[at];
        if blank(c) {
            at += 1;
        } else if "(){},!".contains(c) {
            words.push(Word::Sign(c));
            at += 1;
        } else if "&|".contains(c) {
            if signs.get(at + 1) != Some(&c) {
                return None;
            }
            words.push(Word::Sign(c));
            at += 2;
        } else if c == '\'' {
            let length = signs[at + 1..].iter().position(|c| *c == '\'')?;
            words.push(Word::Quoted(signs[at + 1..at + 1 + length].iter().collect()));
            at += length + 2;
        } else if c == '@' {
            let mut source = String::new();
            at += 1;
            while at < signs.len() && plain(signs[at]) {
                source.push(signs[at]);
                at += 1;
            }
            while at < signs.len() && blank(signs[at]) {
                at += 1;
            }
            if signs.get(at) != Some(&'[') {
                return None;
            }
            let length = signs[at + 1..].iter().position(|c| *c == ']')?;
            let name: String = signs[at + 1..at + 1 + length].iter().collect();
            at += length + 2;
            if name.trim().is_empty() || name.contains(['[', '\'']) || name.chars().any(char::is_control) {
                return None;
            }
            let source = source.to_lowercase();
            if !["resource", "request", "principal", "environment"].contains(&source.as_str()) {
                return None;
            }
            words.push(Word::Attribute(source, name));
        } else if c.is_ascii_alphanumeric() || c == '-' {
            let mut word = String::new();
            while at < signs.len() && plain(signs[at]) {
                word.push(signs[at]);
                at += 1;
            }
            words.push(Word::Plain(word));
        } else {
            return None;
        }
    }
    Some(words)
}

/// The condition a text is, if it is one.
pub(crate) fn parse(text: &str) -> Option<Tree> {
    if text.len() > 8192 {
        return None;
    }
    let words = words(text)?;
    let (tree, rest) = chain(&words)?;
    rest.is_empty().then_some(tree)
}

type Read<'a, T> = Option<(T, &'a [Word])>;

/// Whether the words begin with this keyword or its sign.
fn begins(words: &[Word], keyword: &str, sign: char) -> bool {
    match words.first() {
        Some(Word::Plain(word)) => word.to_lowercase() == keyword,
        Some(Word::Sign(found)) => *found == sign,
        _ => false,
    }
}

fn chain(words: &[Word]) -> Read<'_, Tree> {
    let (first, mut rest) = term(words)?;
    let mut terms = vec![first];
    let (mut ands, mut ors) = (0, 0);
    loop {
        if begins(rest, "and", '&') {
            ands += 1;
        } else if begins(rest, "or", '|') {
            ors += 1;
        } else {
            break;
        }
        let (next, after) = term(&rest[1..])?;
        terms.push(next);
        rest = after;
    }
    match (ands, ors) {
        (0, 0) => Some((terms.pop()?, rest)),
        (_, 0) => Some((Tree::And(terms), rest)),
        (0, _) => Some((Tree::Or(terms), rest)),
        _ => None,
    }
}

fn term(words: &[Word]) -> Read<'_, Tree> {
    if begins(words, "not", '!') {
        let (inside, rest) = term(&words[1..])?;
        return Some((Tree::Not(Box::new(inside)), rest));
    }
    if words.first()? == &Word::Sign('(') {
        let (inside, rest) = chain(&words[1..])?;
        return (rest.first()? == &Word::Sign(')')).then(|| (inside, &rest[1..]));
    }
    if begins(words, "actionmatches", '\0') {
        let (texts, rest) = texts(&words[1..])?;
        return Some((Tree::Action(texts), rest));
    }
    if begins(words, "suboperationmatches", '\0') {
        let (texts, rest) = texts(&words[1..])?;
        return Some((Tree::SubOperation(texts), rest));
    }
    if begins(words, "exists", '\0') {
        return match side(&words[1..])? {
            (attribute @ Side::Attribute(..), rest) => Some((Tree::Exists(attribute), rest)),
            _ => None,
        };
    }
    let (left, rest) = side(words)?;
    let Word::Plain(operator) = rest.first()? else {
        return None;
    };
    let operator = operator.to_lowercase();
    if !is_operator(&operator) {
        return None;
    }
    let (right, rest) = side(&rest[1..])?;
    Some((Tree::Compare(left, operator, right), rest))
}

/// `{ item, item }`.
fn list<'a, T>(words: &'a [Word], item: impl Fn(&Word) -> Option<T>) -> Read<'a, Vec<T>> {
    if words.first()? != &Word::Sign('{') {
        return None;
    }
    let mut items = Vec::new();
    let mut rest = &words[1..];
    loop {
        items.push(item(rest.first()?)?);
        match rest.get(1)? {
            Word::Sign(',') => rest = &rest[2..],
            Word::Sign('}') => return Some((items, &rest[2..])),
            _ => return None,
        }
    }
}

fn texts(words: &[Word]) -> Read<'_, Vec<String>> {
    list(words, |word| match word {
        Word::Quoted(text) => Some(text.clone()),
        _ => None,
    })
}

fn side(words: &[Word]) -> Read<'_, Side> {
    match words.first()? {
        Word::Attribute(source, name) => Some((Side::Attribute(source.clone(), name.clone()), &words[1..])),
        Word::Sign('{') => {
            let (values, rest) = list(words, scalar)?;
            Some((Side::Values(values), rest))
        }
        word => Some((Side::Values(vec![scalar(word)?]), &words[1..])),
    }
}

fn scalar(word: &Word) -> Option<Scalar> {
    match word {
        Word::Quoted(text) => Some(Scalar::Text(text.clone())),
        Word::Plain(word) if guid(word).is_some() => Some(Scalar::Text(word.clone())),
        Word::Plain(word) => match word.to_lowercase().as_str() {
            "true" => Some(Scalar::Bool(true)),
            "false" => Some(Scalar::Bool(false)),
            digits => Some(Scalar::Number(digits.parse().ok()?)),
        },
        _ => None,
    }
}

/// The 32 digits of a guid in lower case.
fn guid(text: &str) -> Option<String> {
    let digits = match text.len() {
        32 => text.to_owned(),
        36 => {
            let parts: Vec<&str> = text.split('-').collect();
            let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
            (lengths == [8, 4, 4, 4, 12]).then(|| parts.concat())?
        }
        _ => return None,
    };
    digits
        .chars()
        .all(|c| c.is_ascii_hexdigit())
        .then(|| digits.to_lowercase())
}

/// Year to 100 ns as one text of digits, which sorts as time does.
fn time(text: &str) -> Option<String> {
    let text = text.to_uppercase();
    let text = text.strip_suffix('Z')?;
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let shape: String = seconds
        .chars()
        .map(|c| if c.is_ascii_digit() { '9' } else { c })
        .collect();
    let fraction_fits = (1..=7).contains(&fraction.len()) && fraction.chars().all(|c| c.is_ascii_digit());
    if shape != "9999-99-99T99:99:99" || !fraction_fits {
        return None;
    }
    let number = |from: usize, to: usize| seconds[from..to].parse::<u32>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let days = match month {
        2 if year % 400 == 0 || (year % 4 == 0 && year % 100 != 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        _ => return None,
    };
    let exists =
        day >= 1 && day <= days && number(11, 13)? < 24 && number(14, 16)? < 60 && number(17, 19)? < 60;
    exists.then(|| {
        let digits: String = seconds.chars().filter(char::is_ascii_digit).collect();
        format!("{digits}{fraction:0<7}")
    })
}

const QUANTIFIERS: [&str; 4] = [
    "foranyofanyvalues",
    "forallofanyvalues",
    "foranyofallvalues",
    "forallofallvalues",
];

fn is_operator(word: &str) -> bool {
    let base = match word.split_once(':') {
        Some((quantifier, base)) if QUANTIFIERS.contains(&quantifier) => base,
        Some(_) => return false,
        None => word,
    };
    let mut all = Vec::new();
    for not in ["", "not"] {
        for case in ["", "ignorecase"] {
            for test in ["equals", "startswith", "like"] {
                all.push(format!("string{not}{test}{case}"));
            }
        }
        for kind in ["bool", "guid", "numeric", "datetime"] {
            all.push(format!("{kind}{not}equals"));
        }
    }
    for kind in ["numeric", "datetime"] {
        for order in ["lessthan", "lessthanequals", "greaterthan", "greaterthanequals"] {
            all.push(format!("{kind}{order}"));
        }
    }
    all.iter().any(|name| name == base)
}

impl Tree {
    pub(crate) fn truth(&self, facts: &Facts<'_>) -> Truth {
        match self {
            Self::And(terms) => and(&terms.iter().map(|term| term.truth(facts)).collect::<Vec<_>>()),
            Self::Or(terms) => or(&terms.iter().map(|term| term.truth(facts)).collect::<Vec<_>>()),
            Self::Not(term) => term.truth(facts).map(|truth| !truth),
            Self::Action(patterns) => Some(patterns.iter().any(|pattern| covers(pattern, facts.operation))),
            Self::SubOperation(names) => Some(names.iter().any(|name| {
                facts
                    .sub_operation
                    .is_some_and(|asked| asked.to_lowercase() == name.to_lowercase())
            })),
            Self::Exists(side) => Some(!side.values(facts).is_empty()),
            Self::Compare(left, operator, right) => {
                compare(operator, &left.values(facts), &right.values(facts))
            }
        }
    }
}

impl Side {
    fn values(&self, facts: &Facts<'_>) -> Vec<Scalar> {
        match self {
            Self::Values(values) => values.clone(),
            Self::Attribute(source, name) if source == "request" && same_name(name, "subOperation") => {
                vec![Scalar::Text(facts.sub_operation.unwrap_or_default().to_owned())]
            }
            Self::Attribute(source, name) => facts
                .attributes
                .iter()
                .find(|(where_, known, _)| where_ == source && same_name(known, name))
                .map(|(_, _, values)| values.clone())
                .unwrap_or_default(),
        }
    }
}

/// Names have no case, except the key before a marker.
pub(crate) fn same_name(left: &str, right: &str) -> bool {
    let parts = |name: &str| {
        let marker = "<$key_case_sensitive$>";
        let lower = name.trim().to_lowercase();
        if !lower.ends_with(marker) || !lower.contains(':') {
            return (lower, String::new());
        }
        let name = name.trim();
        let key = name.split_once(':').expect("a colon").1;
        (lower, key[..key.len() - marker.len()].to_owned())
    };
    parts(left) == parts(right)
}

fn and(truths: &[Truth]) -> Truth {
    if truths.contains(&Some(false)) {
        Some(false)
    } else if truths.contains(&None) {
        None
    } else {
        Some(true)
    }
}

fn or(truths: &[Truth]) -> Truth {
    and(&truths
        .iter()
        .map(|truth| truth.map(|truth| !truth))
        .collect::<Vec<_>>())
    .map(|truth| !truth)
}

fn compare(operator: &str, left: &[Scalar], right: &[Scalar]) -> Truth {
    if left.is_empty() || right.is_empty() {
        return None;
    }
    let Some((quantifier, base)) = operator.split_once(':') else {
        let ([left], [right]) = (left, right) else {
            return None;
        };
        return pair(operator, left, right);
    };
    let rows: Vec<Truth> = left
        .iter()
        .map(|l| {
            let row: Vec<Truth> = right.iter().map(|r| pair(base, l, r)).collect();
            if quantifier.ends_with("ofanyvalues") {
                or(&row)
            } else {
                and(&row)
            }
        })
        .collect();
    if quantifier.starts_with("forany") {
        or(&rows)
    } else {
        and(&rows)
    }
}

fn pair(base: &str, left: &Scalar, right: &Scalar) -> Truth {
    let not = base.contains("not");
    let base = base.replacen("not", "", 1);
    let texts = || match (left, right) {
        (Scalar::Text(left), Scalar::Text(right)) => Some((left.clone(), right.clone())),
        _ => None,
    };
    let order = |name: &str, ordering: std::cmp::Ordering| match name {
        "equals" => ordering.is_eq(),
        "lessthan" => ordering.is_lt(),
        "lessthanequals" => ordering.is_le(),
        "greaterthan" => ordering.is_gt(),
        "greaterthanequals" => ordering.is_ge(),
        other => panic!("{other}"),
    };
    let holds = if let Some(test) = base.strip_prefix("string") {
        let (mut left, mut right) = texts()?;
        if test.ends_with("ignorecase") {
            (left, right) = (left.to_lowercase(), right.to_lowercase());
        }
        match test.trim_end_matches("ignorecase") {
            "equals" => left == right,
            "startswith" => left.starts_with(&right),
            "like" => like(
                &left.chars().collect::<Vec<_>>(),
                &right.chars().collect::<Vec<_>>(),
            ),
            other => panic!("{other}"),
        }
    } else if base == "boolequals" {
        match (left, right) {
            (Scalar::Bool(left), Scalar::Bool(right)) => left == right,
            _ => return None,
        }
    } else if base == "guidequals" {
        let (left, right) = texts()?;
        guid(&left)? == guid(&right)?
    } else if let Some(name) = base.strip_prefix("numeric") {
        match (left, right) {
            (Scalar::Number(left), Scalar::Number(right)) => order(name, left.cmp(right)),
            _ => return None,
        }
    } else if let Some(name) = base.strip_prefix("datetime") {
        let (left, right) = texts()?;
        order(name, time(&left)?.cmp(&time(&right)?))
    } else {
        panic!("{base}")
    };
    Some(holds != not)
}

fn like(text: &[char], pattern: &[char]) -> bool {
    match pattern {
        [] => text.is_empty(),
        ['*', rest @ ..] => (0..=text.len()).any(|cut| like(&text[cut..], rest)),
        ['?', rest @ ..] => !text.is_empty() && like(&text[1..], rest),
        ['\\', sign @ ('*' | '?'), rest @ ..] => text.first() == Some(sign) && like(&text[1..], rest),
        [c, rest @ ..] => text.first() == Some(c) && like(&text[1..], rest),
    }
}
