//! The command line, from arguments to exit code.

use serde_json::json;

use crate::program::{nave, unheard};

fn printed(arguments: &[&str], input: &str) -> (i32, String, String) {
    let output = nave(arguments, input);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn help_says_what_can_be_done() {
    let (code, out, _) = printed(&["--help"], "");
    let expected = "\
A self-hosted AI hub that speaks Azure's protocols

Usage: nave <COMMAND>

Commands:
  up        Start a server; make it first where there is none
  env       Print the shell exports that clients need to find and trust the server
  authz     Decide about roles and conditions without a server
  template  Expand and check ARM templates without a server
  policy    Try policies on resources without a server
  access    What a change to access would do, and which role somebody needs
  explain   Say why a request was refused or allowed, and the smallest grant that would help
  audit     Look at the log of what was done
  keys      The keys that sign tokens
  scim      Tokens by which an identity provider keeps users and groups up to date
  sso       Identity providers that people sign in with
  help      Print this message or the help of the given subcommand(s)

Options:
  -h, --help     Print help
  -V, --version  Print version
";
    assert_eq!((code, out.as_str()), (0, expected));
    assert_eq!(printed(&[], "").0, 2);
    assert_eq!(printed(&["down"], "").0, 2);
}

#[test]
fn eval_answers_line_by_line() {
    let principal = "aaaaaaaa-0000-4000-8000-000000000001";
    let reader = "/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7";
    let case = |id: &str, action: &str| {
        json!({
            "id": id, "principal": principal, "scope": "/subscriptions/s/resourceGroups/rg", "action": action,
            "assignments": [{ "roleDefinitionId": reader, "scope": "/subscriptions/s", "principalId": principal }],
        })
        .to_string()
    };
    let input = [
        case("1", "Microsoft.Storage/storageAccounts/read"),
        case("2", "Microsoft.Storage/storageAccounts/write"),
    ];
    let (code, out, err) = printed(&["authz", "eval"], &input.join("\r\n"));
    assert_eq!((code, err.as_str()), (0, ""));
    assert_eq!(
        out,
        "{\"id\":\"1\",\"decision\":\"allow\"}\n{\"id\":\"2\",\"decision\":\"deny\"}\n"
    );
}

#[test]
fn every_line_is_answered_and_one_that_asks_nothing_fails() {
    let (code, out, _) = printed(
        &["authz", "eval"],
        "{\"id\": \"1\"}\n\n\u{feff}[]\n{\"id\": \"4\"",
    );
    let answers: Vec<serde_json::Value> = out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(code, 1);
    assert_eq!(
        answers[0],
        json!({ "id": "1", "decision": "deny", "error": "`principal` is missing" })
    );
    assert_eq!(answers.len(), 4, "{out}");
    assert!(answers.iter().all(|answer| answer["decision"] == "deny"));
}

#[test]
fn match_tells_by_its_exit_code() {
    let matches = |pattern, operation| printed(&["authz", "match", pattern, operation], "").0;
    assert_eq!(
        matches(
            "Microsoft.Storage/*/read",
            "Microsoft.Storage/storageAccounts/read"
        ),
        0
    );
    assert_eq!(
        matches(
            "Microsoft.Storage/*/read",
            "Microsoft.Storage/storageAccounts/write"
        ),
        1
    );
}

#[test]
fn conditions_are_checked() {
    let condition =
        "@Resource[Microsoft.Storage/storageAccounts/blobServices/containers:name] StringEquals 'logs'";
    assert_eq!(
        printed(&["authz", "parse-condition"], condition),
        (0, String::new(), String::new())
    );
    let (code, out, err) = printed(&["authz", "parse-condition"], "@Resource[x] StringEqual 'a'");
    let expected = "\
`StringEqual` is not a comparison operator; did you mean `StringEquals`? (line 1, column 14)
@Resource[x] StringEqual 'a'
             ^^^^^^^^^^^
";
    assert_eq!((code, out.as_str(), err.as_str()), (1, "", expected));
}

#[test]
fn a_role_in_a_file_is_checked() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("role.json");
    let path = file.to_str().unwrap();
    let mut role = json!({ "Name": "Watcher", "Actions": ["Microsoft.Storage/*/read"], "AssignableScopes": ["/subscriptions/s"] });
    std::fs::write(&file, role.to_string()).unwrap();
    let ok = (0, String::from("ok\n"), String::new());
    assert_eq!(printed(&["authz", "check-role", path], ""), ok);
    role["Actions"] = json!(["Microsoft.Storage/storageAccounts/dance/action"]);
    let refused = (
        1,
        String::from("InvalidActionOrNotAction\n"),
        String::from(
            "'Microsoft.Storage/storageAccounts/dance/action' does not match any of the actions supported by the providers.\n",
        ),
    );
    assert_eq!(printed(&["authz", "check-role", "-"], &role.to_string()), refused);
    let (code, out, err) = printed(&["authz", "check-role", "/nowhere/role.json"], "");
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(
        err.starts_with("nave: `/nowhere/role.json` cannot be read"),
        "{err}"
    );
}

#[test]
fn an_assignment_in_a_file_is_checked() {
    let reader = "/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7";
    let principal = "aaaaaaaa-0000-4000-8000-000000000001";
    let mut body = json!({
        "scope": "/subscriptions/s",
        "properties": { "roleDefinitionId": reader, "principalId": principal, "principalType": "User" },
    });
    let check = |body: &serde_json::Value| printed(&["authz", "check-assignment", "-"], &body.to_string());
    assert_eq!(check(&body), (0, String::from("ok\n"), String::new()));
    body["assignments"] =
        json!([{ "scope": "/subscriptions/s", "roleDefinitionId": reader, "principalId": principal }]);
    let exists = (
        1,
        String::from("RoleAssignmentExists\n"),
        String::from("The role assignment already exists.\n"),
    );
    assert_eq!(check(&body), exists);
}

#[test]
fn to_print_to_nobody_is_no_failure() {
    let ended = unheard(&["authz", "eval"], "{}\n");
    assert_eq!(
        ended.code(),
        Some(1),
        "as with somebody who listens: the line asks nothing"
    );
}
