//! The few pages of the token service: plain HTML that works without script, with a keyboard and with a screen
//! reader, loads nothing from anywhere and may be framed by nobody.

use std::fmt::Write;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderName, header};
use nave_engine::{Body, Reply};
use sha2::{Digest, Sha256};

const STYLE: &str = "\
:root{color-scheme:light dark;--text:#1b1b1b;--ground:#f4f4f2;--sheet:#fff;--line:#d0d0cc;--edge:#767676;--act:#0b5cad;\
--on-act:#fff;--focus:#b35900;--bad:#b3261e;--bad-ground:#fceeee}\
@media(prefers-color-scheme:dark){:root{--text:#ececea;--ground:#161616;--sheet:#222;--line:#3c3c3a;--edge:#8f8f8c;\
--act:#8cc2ff;--on-act:#10151b;--focus:#ffbf47;--bad:#ff8a80;--bad-ground:#3a2021}}\
body{font:1rem/1.5 system-ui,sans-serif;color:var(--text);background:var(--ground);margin:0}\
main{box-sizing:border-box;max-width:28rem;margin:8vh auto;padding:2rem;background:var(--sheet);\
border:1px solid var(--line);border-radius:.5rem}\
@media(max-width:30rem){main{margin:0;padding:1.25rem;border:0;border-radius:0}body{background:var(--sheet)}}\
h1{font-size:1.4rem;line-height:1.25;margin:0 0 .5rem}label{display:block;margin:1rem 0 .25rem;font-weight:600}\
input{box-sizing:border-box;width:100%;font:inherit;color:inherit;background:transparent;padding:.5rem;\
border:1px solid var(--edge);border-radius:.25rem}\
button{display:block;width:100%;font:inherit;text-wrap:balance;margin-top:1.5rem;padding:.5rem 1rem;\
border:1px solid var(--act);border-radius:.25rem;background:var(--act);color:var(--on-act);cursor:pointer}\
button.other{margin-top:.75rem;background:transparent;color:var(--act)}\
code{font-size:1rem;overflow-wrap:anywhere}svg{display:block;margin:1rem auto;max-width:100%}\
input:focus-visible,button:focus-visible{outline:3px solid var(--focus);outline-offset:2px}\
[role=alert]{padding:.5rem .75rem;border-left:.25rem solid var(--bad);background:var(--bad-ground);\
overflow-wrap:anywhere}";

/// Sends a filled form on its way; without script the button does.
const SUBMIT: &str = "document.forms[0].submit()";

/// A page.
pub(crate) struct Page<'a> {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The title, which is also the heading.
    pub(crate) title: &'a str,
    /// What stands below the heading, as HTML.
    pub(crate) content: String,
    /// Where its form may lead besides this server: a scheme and host, if they are plain.
    pub(crate) leads_to: Option<&'a str>,
    /// Whether its form sends itself.
    pub(crate) sends_itself: bool,
    /// The address of a script module of ours.
    pub(crate) script: Option<&'a str>,
}

impl<'a> Page<'a> {
    pub(crate) fn new(title: &'a str, content: String) -> Self {
        Self {
            status: 200,
            title,
            content,
            leads_to: None,
            sends_itself: false,
            script: None,
        }
    }

    pub(crate) fn reply(self) -> Reply {
        let title = escape(self.title);
        let script = match self.script {
            Some(address) => format!("<script type=\"module\" src=\"{}\"></script>", escape(address)),
            None if self.sends_itself => format!("<script>{SUBMIT}</script>"),
            None => String::new(),
        };
        let html = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n{}\n</main>\n\
             {script}</body>\n</html>\n",
            self.content
        );
        let policy = self.policy();
        let body = Body::Bytes("text/html; charset=utf-8", html.into());
        Reply {
            body,
            ..Reply::empty(self.status)
        }
        .with(header::CONTENT_SECURITY_POLICY, &policy)
        .with(header::X_FRAME_OPTIONS, "DENY")
        .with(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
        .with(header::REFERRER_POLICY, "no-referrer")
        .with(header::CACHE_CONTROL, "no-store")
        .with(
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        )
    }

    /// Nothing is allowed but our own style, our own script where there is one, and the form's target.
    fn policy(&self) -> String {
        let mut policy = format!(
            "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; style-src {}; form-action 'self'",
            source(STYLE)
        );
        if let Some(target) = self.leads_to.filter(|target| is_plain(target)) {
            let _ = write!(policy, " {target}");
        }
        if self.sends_itself {
            let _ = write!(policy, "; script-src {}", source(SUBMIT));
        }
        if let Some(address) = self.script.filter(|address| is_plain(address)) {
            let _ = write!(policy, "; script-src {address}");
        }
        policy
    }
}

/// A page that says why nothing goes on.
pub(crate) fn stop(status: u16, title: &str, why: &str) -> Reply {
    let content = format!("<p role=\"alert\">{}</p>", escape(why));
    Page {
        status,
        ..Page::new(title, content)
    }
    .reply()
}

/// A labelled field.
pub(crate) struct Field<'a> {
    /// Its name in the form.
    pub(crate) name: &'a str,
    /// What people call it.
    pub(crate) label: &'a str,
    /// The kind of input.
    pub(crate) kind: &'a str,
    /// What browsers may fill in.
    pub(crate) autocomplete: &'a str,
    /// What is filled in already.
    pub(crate) value: &'a str,
}

/// Another way on than the form's own button: a button that sends what it stands for, whatever the fields hold.
pub(crate) struct Choice<'a> {
    /// The field it fills.
    pub(crate) name: &'a str,
    /// With what.
    pub(crate) value: &'a str,
    /// What it says.
    pub(crate) label: &'a str,
}

/// A form that posts to this server.
#[derive(Default)]
pub(crate) struct Form<'a> {
    /// Where to.
    pub(crate) action: &'a str,
    /// What went wrong before.
    pub(crate) problem: Option<&'a str>,
    /// Fields nobody sees.
    pub(crate) hidden: &'a [(&'a str, &'a str)],
    /// Fields to fill.
    pub(crate) fields: &'a [Field<'a>],
    /// Whose password is asked for, for the browser's own list of passwords; nobody sees it.
    pub(crate) whose: &'a str,
    /// What its button says; without a word there is none.
    pub(crate) button: &'a str,
    /// Other ways on.
    pub(crate) choices: &'a [Choice<'a>],
    /// What stands above name and password where they are folded away, because hardly anybody may use them.
    pub(crate) folded: &'a str,
}

impl Form<'_> {
    pub(crate) fn html(&self) -> String {
        let mut html = String::new();
        if let Some(problem) = self.problem {
            let _ = writeln!(html, "<p role=\"alert\">{}</p>", escape(problem));
        }
        let _ = writeln!(html, "<form method=\"post\" action=\"{}\">", escape(self.action));
        for (name, value) in self.hidden {
            let _ = writeln!(
                html,
                "<input type=\"hidden\" name=\"{}\" value=\"{}\">",
                escape(name),
                escape(value)
            );
        }
        if !self.whose.is_empty() {
            let _ = writeln!(
                html,
                "<input name=\"username\" autocomplete=\"username\" value=\"{}\" readonly hidden>",
                escape(self.whose)
            );
        }
        let first_empty = self.fields.iter().position(|field| field.value.is_empty());
        for (at, field) in self.fields.iter().enumerate() {
            if !self.folded.is_empty() && field.name == "username" {
                let open = if self.problem.is_some() { " open" } else { "" };
                let _ = writeln!(html, "<details{open}><summary>{}</summary>", escape(self.folded));
            }
            field.write(&mut html, first_empty == Some(at));
        }
        if !self.button.is_empty() {
            let focus = if self.fields.is_empty() { " autofocus" } else { "" };
            let _ = writeln!(
                html,
                "<button type=\"submit\"{focus}>{}</button>",
                escape(self.button)
            );
        }
        if !self.folded.is_empty() {
            html.push_str("</details>\n");
        }
        for choice in self.choices {
            let _ = writeln!(
                html,
                "<button type=\"submit\" class=\"other\" name=\"{}\" value=\"{}\" formnovalidate>{}</button>",
                escape(choice.name),
                escape(choice.value),
                escape(choice.label)
            );
        }
        html.push_str("</form>");
        html
    }
}

impl Field<'_> {
    fn write(&self, html: &mut String, is_first: bool) {
        let focus = if is_first { " autofocus" } else { "" };
        let _ = writeln!(
            html,
            "<label for=\"{name}\">{}</label>\n<input id=\"{name}\" name=\"{name}\" type=\"{}\" value=\"{}\" \
             autocomplete=\"{}\" autocapitalize=\"none\" spellcheck=\"false\" required{focus}>",
            escape(self.label),
            self.kind,
            escape(self.value),
            self.autocomplete,
            name = self.name,
        );
    }
}

/// Text as it may stand between tags and in attributes.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

fn source(content: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(content.as_bytes())))
}

/// Whether a scheme and host can stand in the policy without ending it.
fn is_plain(target: &str) -> bool {
    target
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, ':' | '/' | '.' | '-' | '[' | ']'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_came_from_outside_becomes_markup() {
        let fields = [Field {
            name: "username",
            label: "Name",
            kind: "text",
            autocomplete: "off",
            value: "\"><b>",
        }];
        let form = Form {
            action: "/x?a='1'",
            problem: Some("<script>"),
            hidden: &[("state", "\"'")],
            whose: "<b>",
            fields: &fields,
            button: "Go",
            choices: &[],
            folded: "",
        };
        let html = form.html();
        assert!(!html.contains("<b>") && !html.contains("<script>"), "{html}");
        assert!(
            html.contains("value=\"&quot;&#39;\"") && html.contains("value=\"&quot;&gt;&lt;b&gt;\""),
            "{html}"
        );
    }

    #[test]
    fn the_policy_lets_a_form_lead_to_a_plain_host_only() {
        let policy = |leads_to| {
            Page {
                leads_to,
                ..Page::new("t", String::new())
            }
            .policy()
        };
        assert!(policy(Some("http://localhost:8400")).ends_with("form-action 'self' http://localhost:8400"));
        assert!(policy(Some("https://x; script-src *")).ends_with("form-action 'self'"));
        assert!(!policy(None).contains("script-src"));
    }
}
