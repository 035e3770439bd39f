//! The Graph subset: people and groups.

mod common;

use common::*;
use http::Method;
use serde_json::{Value, json};

async fn new_user(nave: &Nave, name: &str) -> String {
    let body = json!({
        "accountEnabled": true, "displayName": name, "mailNickname": name,
        "userPrincipalName": format!("{name}@contoso.com"),
        "passwordProfile": { "password": PASSWORD, "forceChangePasswordNextSignIn": false },
    });
    let made = nave.graph(Method::POST, "/users", body).await.expect(201);
    made["id"].as_str().expect("an id").to_owned()
}

async fn new_group(nave: &Nave, name: &str) -> String {
    let body =
        json!({ "displayName": name, "mailNickname": name, "mailEnabled": false, "securityEnabled": true });
    let made = nave.graph(Method::POST, "/groups", body).await.expect(201);
    made["id"].as_str().expect("an id").to_owned()
}

fn reference(id: &str) -> Value {
    json!({ "@odata.id": format!("https://nave.test/graph/v1.0/directoryObjects/{id}") })
}

#[tokio::test]
async fn az_finds_an_assignee_as_it_asks() {
    let nave = Nave::start().await;
    let users = nave
        .get("/users?$filter=userPrincipalName eq 'joe@contoso.com'")
        .await;
    assert_eq!(users.each("id"), [JOE.to_string()]);
    assert!(
        nave.get("/users?$filter=userPrincipalName eq 'x@contoso.com'")
            .await
            .each("id")
            .is_empty()
    );
    let filter = format!("/servicePrincipals?$filter=servicePrincipalNames/any(c:c eq '{ROBOT_APP}')");
    let robots = nave.get(&filter).await;
    assert_eq!(robots.each("id"), [ROBOT.to_string()]);
    assert_eq!(
        robots.json["value"][0]["servicePrincipalNames"],
        json!([ROBOT_APP])
    );
    let ids = json!({ "ids": [ROBOT, JOE, APP, "30000000-0000-0000-0000-000000000000"],
                      "types": ["user", "group", "servicePrincipal", "directoryObjectPartnerReference"] });
    let found = nave.graph(Method::POST, "/directoryObjects/getByIds", ids).await;
    assert_eq!(
        found.each("@odata.type"),
        ["#microsoft.graph.servicePrincipal", "#microsoft.graph.user"]
    );
    assert_eq!(found.each("displayName"), ["robot", "joe"]);
    let every = nave
        .graph(
            Method::POST,
            "/directoryObjects/getByIds",
            json!({ "ids": [APP] }),
        )
        .await;
    assert_eq!(every.each("@odata.type"), ["#microsoft.graph.application"]);
    let bad = nave
        .graph(
            Method::POST,
            "/directoryObjects/getByIds",
            json!({ "ids": ["x"] }),
        )
        .await;
    assert_eq!((bad.status, bad.code()), (400, "Request_BadRequest"));
}

#[tokio::test]
async fn the_life_of_a_person() {
    let nave = Nave::start().await;
    let id = new_user(&nave, "ann").await;
    let shown = nave.get("/users/ann@contoso.com").await.expect(200);
    assert_eq!(
        shown["@odata.context"],
        "https://nave.test/graph/v1.0/$metadata#users/$entity"
    );
    for (member, value) in [
        ("id", json!(id)),
        ("displayName", json!("ann")),
        ("userPrincipalName", json!("ann@contoso.com")),
        ("accountEnabled", json!(true)),
        ("mail", Value::Null),
        ("businessPhones", json!([])),
    ] {
        assert_eq!(shown[member], value, "{member}");
    }
    let everything = nave.get("/users").await.json.to_string() + &shown.to_string();
    assert!(
        !everything.contains("assword") && !everything.contains("argon2"),
        "{everything}"
    );
    nave.sign_in("ann@contoso.com", PASSWORD, ARM).await.expect(200);

    let patch =
        json!({ "displayName": "Ann", "jobTitle": "lead", "userPrincipalName": "ann.lee@contoso.com" });
    assert_eq!(
        nave.graph(Method::PATCH, &format!("/users/{id}"), patch)
            .await
            .status,
        204
    );
    nave.get("/users/ann@contoso.com").await.expect(404);
    let shown = nave
        .get("/users/ann.lee@contoso.com?$select=displayName,jobTitle")
        .await
        .expect(200);
    assert_eq!(
        (&shown["displayName"], &shown["jobTitle"]),
        (&json!("Ann"), &json!("lead"))
    );
    assert!(shown.get("userPrincipalName").is_none());
    nave.sign_in("ann.lee@contoso.com", PASSWORD, ARM)
        .await
        .expect(200);

    assert_eq!(
        nave.graph(Method::DELETE, "/users/ann.lee@contoso.com", Value::Null)
            .await
            .status,
        204
    );
    let gone = nave.get(&format!("/users/{id}")).await;
    assert_eq!((gone.status, gone.code()), (404, "Request_ResourceNotFound"));
    assert_eq!(
        nave.graph(Method::DELETE, &format!("/users/{id}"), Value::Null)
            .await
            .status,
        404
    );
    assert_ne!(
        new_user(&nave, "ann").await,
        id,
        "who comes later is somebody else"
    );
}

#[tokio::test]
async fn a_person_is_refused_with_the_reason() {
    let nave = Nave::start().await;
    let with = |member: &str, value: Value| {
        let mut body = json!({
            "displayName": "x", "userPrincipalName": "x@contoso.com", "passwordProfile": { "password": PASSWORD },
        });
        body[member] = value;
        body
    };
    for (body, why) in [
        (
            with("userPrincipalName", json!("joe@contoso.com")),
            "already exists",
        ),
        (
            with("userPrincipalName", json!("JOE@contoso.com")),
            "already exists",
        ),
        (with("userPrincipalName", json!("x@.test")), "not of the form"),
        (with("userPrincipalName", json!("x@y@z")), "not of the form"),
        (with("userPrincipalName", json!("x")), "not of the form"),
        (
            with("userPrincipalName", json!("a/b@contoso.com")),
            "not of the form",
        ),
        (with("userPrincipalName", json!(7)), "must be a string"),
        (with("displayName", json!("")), "required"),
        (with("displayName", json!("x".repeat(257))), "256"),
        (with("accountEnabled", json!("yes")), "true or false"),
        (with("passwordProfile", Value::Null), "password is required"),
        (
            with("passwordProfile", json!({ "password": "short" })),
            "complexity",
        ),
        (
            with("passwordProfile", json!({ "password": 12_345_678 })),
            "must be a string",
        ),
        (
            with("passwordProfile", json!({ "password": "fourteen chars" })),
            "needs at least 15",
        ),
        (
            with("passwordProfile", json!({ "password": "passwordpassword" })),
            "many people choose",
        ),
        (with("id", json!(JOE)), "read-only"),
        (json!([]), "JSON object"),
    ] {
        let answer = nave.graph(Method::POST, "/users", body.clone()).await;
        assert_eq!(
            (answer.status, answer.code()),
            (400, "Request_BadRequest"),
            "{body}"
        );
        let message = answer.json["error"]["message"].as_str().unwrap_or_default();
        assert!(message.contains(why), "{body}: {message}");
    }
    assert_eq!(nave.get("/users").await.each("id").len(), 2, "nothing was made");
    let malformed = ask(Method::POST, "/graph/v1.0/users")
        .by(&nave.admin())
        .form(&[("x", "y")]);
    assert_eq!(nave.send(malformed).await.code(), "Request_BadRequest");
    let patch = json!({ "displayName": null });
    assert_eq!(
        nave.graph(Method::PATCH, "/users/joe@contoso.com", patch)
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn the_life_of_a_group() {
    let nave = Nave::start().await;
    let (team, all) = (new_group(&nave, "team").await, new_group(&nave, "all").await);
    let (joe, robot) = (JOE.to_string(), ROBOT.to_string());
    for (group, member) in [(&team, &joe), (&team, &robot), (&all, &team)] {
        let answer = nave
            .graph(
                Method::POST,
                &format!("/groups/{group}/members/$ref"),
                reference(member),
            )
            .await;
        assert_eq!(answer.status, 204, "{}", answer.json);
    }
    let members = nave.get(&format!("/groups/{team}/members")).await;
    assert_eq!(
        members.each("@odata.type"),
        ["#microsoft.graph.servicePrincipal", "#microsoft.graph.user"]
    );
    let shown = nave.get(&format!("/groups/{team}")).await.expect(200);
    assert!(shown.get("members").is_none() && shown["securityEnabled"] == json!(true));

    let groups = nave.graph(
        Method::POST,
        "/users/joe@contoso.com/getMemberGroups",
        json!({ "securityEnabledOnly": true }),
    );
    assert_eq!(groups.await.json["value"], json!([team, all]));
    let check = json!({ "groupIds": [all, "30000000-0000-0000-0000-000000000000"] });
    let checked = nave
        .graph(
            Method::POST,
            &format!("/directoryObjects/{joe}/checkMemberGroups"),
            check,
        )
        .await;
    assert_eq!(checked.json["value"], json!([all]));
    assert_eq!(
        nave.get("/users/joe@contoso.com/memberOf")
            .await
            .each("displayName"),
        ["team"]
    );
    let of_group = nave
        .graph(
            Method::POST,
            &format!("/groups/{team}/getMemberGroups"),
            json!({}),
        )
        .await;
    assert_eq!(of_group.json["value"], json!([all]));

    let twice = nave
        .graph(
            Method::POST,
            &format!("/groups/{team}/members/$ref"),
            reference(&joe),
        )
        .await;
    assert_eq!((twice.status, twice.code()), (400, "Request_BadRequest"));
    assert!(
        twice.json["error"]["message"]
            .as_str()
            .unwrap_or_default()
            .contains("already exist")
    );
    let itself = nave
        .graph(
            Method::POST,
            &format!("/groups/{team}/members/$ref"),
            reference(&team),
        )
        .await;
    assert_eq!(itself.status, 400);
    let nobody = reference("30000000-0000-0000-0000-000000000000");
    assert_eq!(
        nave.graph(Method::POST, &format!("/groups/{team}/members/$ref"), nobody)
            .await
            .status,
        404
    );
    let garbage = json!({ "@odata.id": "x" });
    assert_eq!(
        nave.graph(Method::POST, &format!("/groups/{team}/members/$ref"), garbage)
            .await
            .status,
        400
    );

    let remove = format!("/groups/{team}/members/{robot}/$ref");
    assert_eq!(nave.graph(Method::DELETE, &remove, Value::Null).await.status, 204);
    assert_eq!(nave.graph(Method::DELETE, &remove, Value::Null).await.status, 404);
    assert_eq!(
        nave.graph(
            Method::PATCH,
            &format!("/groups/{team}"),
            json!({ "description": "d" })
        )
        .await
        .status,
        204
    );
    assert_eq!(
        nave.get(&format!("/groups/{team}/members"))
            .await
            .each("displayName"),
        ["joe"],
        "a patch keeps members"
    );
    let sets = nave
        .graph(
            Method::PATCH,
            &format!("/groups/{team}"),
            json!({ "Members": [] }),
        )
        .await;
    assert_eq!((sets.status, sets.code()), (400, "Request_BadRequest"));

    assert_eq!(
        nave.graph(Method::DELETE, &format!("/groups/{team}"), Value::Null)
            .await
            .status,
        204
    );
    assert!(
        nave.get(&format!("/groups/{all}/members"))
            .await
            .each("id")
            .is_empty()
    );
    let groups = nave
        .graph(Method::POST, "/users/joe@contoso.com/getMemberGroups", json!({}))
        .await;
    assert_eq!(groups.json["value"], json!([]));
}

#[tokio::test]
async fn who_is_deleted_leaves_every_group_and_every_post() {
    let nave = Nave::start().await;
    let ann = new_user(&nave, "ann").await;
    let body = json!({
        "displayName": "team", "members@odata.bind": [reference(&ann)["@odata.id"]],
        "owners@odata.bind": [reference(&ann)["@odata.id"], reference(&JOE.to_string())["@odata.id"]],
    });
    let team = nave.graph(Method::POST, "/groups", body).await.expect(201);
    let team = team["id"].as_str().expect("an id");
    assert_eq!(
        nave.get(&format!("/groups/{team}/owners"))
            .await
            .each("displayName")
            .len(),
        2
    );
    let owner = nave
        .graph(
            Method::POST,
            &format!("/applications/{APP}/owners/$ref"),
            reference(&ann),
        )
        .await;
    assert_eq!(owner.status, 204, "{}", owner.json);
    nave.graph(Method::DELETE, "/users/ann@contoso.com", Value::Null)
        .await
        .expect(204);
    assert!(
        nave.get(&format!("/groups/{team}/members"))
            .await
            .each("id")
            .is_empty()
    );
    assert_eq!(
        nave.get(&format!("/groups/{team}/owners"))
            .await
            .each("displayName"),
        ["joe"]
    );
    let rows = nave.engine.snapshot();
    let named = rows
        .of_type("Microsoft.Graph/applications")
        .any(|row| row.own.to_string().contains(&ann));
    assert!(!named);
    nave.token(&[
        ("grant_type", "client_credentials"),
        ("client_id", &ROBOT_APP.to_string()),
        ("client_secret", SECRET),
        ("scope", ARM),
    ])
    .await
    .expect(200);
}

#[tokio::test]
async fn lists_are_filtered_and_paged() {
    let nave = Nave::start().await;
    for name in ["ada", "adam", "bea"] {
        new_group(&nave, name).await;
    }
    let names = async |query: &str| {
        let answer = nave.get(&format!("/groups?{query}")).await;
        let mut names: Vec<String> = answer
            .each("displayName")
            .into_iter()
            .map(str::to_owned)
            .collect();
        names.sort();
        names
    };
    assert_eq!(
        names("$filter=startswith(displayName,'AD')").await,
        ["ada", "adam"]
    );
    assert_eq!(
        names("$filter=displayName eq 'ada' and mailNickname eq 'ada'").await,
        ["ada"]
    );
    assert_eq!(
        names("$filter=displayName eq 'ada' or displayName eq 'bea'").await,
        ["ada", "bea"]
    );
    for bad in [
        "$filter=displayName",
        "$filter=displayName gt 'a'",
        "$filter=foo()",
        "$top=0",
        "$top=x",
        "$skiptoken=x",
        "$search=a",
    ] {
        let answer = nave.get(&format!("/groups?{bad}")).await;
        assert_eq!(
            (answer.status, answer.code()),
            (400, "Request_BadRequest"),
            "{bad}"
        );
    }
    let first = nave.get("/groups?$top=2").await;
    let next = first.json["@odata.nextLink"].as_str().expect("a link").to_owned();
    let query: Vec<(String, String)> =
        form_urlencoded::parse(next.split_once('?').expect("a query").1.as_bytes())
            .into_owned()
            .collect();
    let query: Vec<(&str, &str)> = query
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let second = nave
        .send(
            ask(Method::GET, "/graph/v1.0/groups")
                .query(&query)
                .by(&nave.admin()),
        )
        .await;
    let mut all = [first.each("displayName"), second.each("displayName")].concat();
    all.sort_unstable();
    assert_eq!(all, ["ada", "adam", "bea"]);
    assert!(second.json.get("@odata.nextLink").is_none());
}

#[tokio::test]
async fn the_person_who_asks() {
    let nave = Nave::start().await;
    let joe = person(JOE, "joe@contoso.com");
    let me = nave
        .graph_as(&joe, Method::GET, "/me", Value::Null)
        .await
        .expect(200);
    assert_eq!(
        (&me["id"], &me["userPrincipalName"]),
        (&json!(JOE), &json!("joe@contoso.com"))
    );
    let team = new_group(&nave, "team").await;
    for list in ["members", "owners"] {
        let path = format!("/groups/{team}/{list}/$ref");
        nave.graph(Method::POST, &path, reference(&JOE.to_string()))
            .await
            .expect(204);
    }
    let owned = nave
        .graph_as(&joe, Method::GET, "/me/ownedObjects", Value::Null)
        .await;
    assert_eq!(owned.each("@odata.type"), ["#microsoft.graph.group"]);
    let groups = nave
        .graph_as(&joe, Method::GET, "/me/memberOf", Value::Null)
        .await;
    assert_eq!(groups.each("displayName"), ["team"]);
    let ids = nave
        .graph_as(
            &joe,
            Method::POST,
            "/me/getMemberGroups",
            json!({ "securityEnabledOnly": false }),
        )
        .await;
    assert_eq!(ids.json["value"], json!([team]));
    let mut robot = person(ROBOT, "robot");
    robot.kind = nave_engine::CallerKind::ServicePrincipal;
    let answer = nave.graph_as(&robot, Method::GET, "/me", Value::Null).await;
    assert_eq!((answer.status, answer.code()), (400, "Request_BadRequest"));
}

#[tokio::test]
async fn a_person_changes_his_own_password() {
    let nave = Nave::start().await;
    let joe = person(JOE, "joe@contoso.com");
    let change = async |present: &str, new: &str| {
        let body = json!({ "currentPassword": present, "newPassword": new });
        nave.graph_as(&joe, Method::POST, "/me/changePassword", body)
            .await
            .status
    };
    assert_eq!(change("wrong", "a new password that nobody knows").await, 400);
    assert_eq!(change(PASSWORD, "short").await, 400);
    assert_eq!(change(PASSWORD, "a new password that nobody knows").await, 204);
    nave.sign_in("joe@contoso.com", PASSWORD, ARM).await.expect(401);
    nave.sign_in("joe@contoso.com", "a new password that nobody knows", ARM)
        .await
        .expect(200);
}

#[tokio::test]
async fn members_read_the_directory_and_only_who_may_give_roles_writes_it() {
    let nave = Nave::start().await;
    let joe = person(JOE, "joe@contoso.com");
    for path in [
        "/users",
        "/groups",
        "/applications",
        "/servicePrincipals",
        "/users/admin@contoso.com",
    ] {
        nave.graph_as(&joe, Method::GET, path, Value::Null)
            .await
            .expect(200);
    }
    nave.give(JOE, CONTRIBUTOR).await;
    let team = new_group(&nave, "team").await;
    let writes = [
        (Method::POST, String::from("/users"), json!({})),
        (
            Method::PATCH,
            format!("/users/{ADMIN}"),
            json!({ "passwordProfile": { "password": PASSWORD } }),
        ),
        (Method::DELETE, format!("/users/{ADMIN}"), Value::Null),
        (
            Method::POST,
            format!("/groups/{team}/members/$ref"),
            reference(&JOE.to_string()),
        ),
        (
            Method::POST,
            format!("/applications/{APP}/addPassword"),
            json!({}),
        ),
        (
            Method::POST,
            format!("/servicePrincipals/{ROBOT}/addPassword"),
            json!({}),
        ),
        (Method::DELETE, format!("/users/{JOE}"), Value::Null),
    ];
    for (method, path, body) in writes {
        let answer = nave.graph_as(&joe, method.clone(), &path, body).await;
        assert_eq!(
            (answer.status, answer.code()),
            (403, "Authorization_RequestDenied"),
            "{method} {path}"
        );
        assert!(
            answer.json["error"]["message"]
                .as_str()
                .unwrap_or_default()
                .contains("Insufficient privileges")
        );
    }
    let stranger = person(uuid::Uuid::from_u128(1), "stranger");
    assert_eq!(
        nave.graph_as(&stranger, Method::GET, "/users", Value::Null)
            .await
            .status,
        401
    );
    nave.give(JOE, OWNER).await;
    let answer = nave
        .graph_as(
            &joe,
            Method::PATCH,
            &format!("/users/{ADMIN}"),
            json!({ "jobTitle": "x" }),
        )
        .await;
    assert_eq!(answer.status, 204);
}
