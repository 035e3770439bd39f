//! Signing in with another provider, and what attackers and careless providers try.

mod common;
#[path = "common/provider.rs"]
mod provider;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use common::{Answer, CLI, JOE, Nave, TENANT, ask, start};
use http::{Method, header};
use provider::{Double, key, published, signed};
use serde_json::{Value, json};

/// A nave that knows one provider, and that provider.
struct World {
    nave: Nave,
    idp: Double,
}

/// A browser on its way: the provider's question, and the cookie.
struct OnTheWay {
    state: String,
    nonce: String,
    challenge: String,
    cookie: String,
}

impl World {
    async fn start(more: Value) -> Self {
        let world = Self {
            nave: Nave::start().await,
            idp: Double::start().await,
        };
        world.configure("idp", &world.idp, more).await;
        world
    }

    async fn configure(&self, id: &str, idp: &Double, more: Value) {
        let mut body = json!({ "id": id, "displayName": id, "issuer": idp.issuer, "clientId": "client", "clientSecret": "se cret" });
        body.as_object_mut()
            .expect("object")
            .extend(more.as_object().expect("object").clone());
        self.nave
            .graph(Method::POST, "/identity/identityProviders", body)
            .await
            .expect(201);
    }

    /// Opens the sign-in page and chooses the provider.
    async fn leave(&self) -> OnTheWay {
        let path = format!("/{TENANT}/oauth2/v2.0/authorize");
        let query = [
            ("client_id", CLI),
            ("response_type", "code"),
            ("redirect_uri", "http://localhost:1"),
            ("scope", "openid"),
            ("state", "program"),
            ("code_challenge", "x"),
            ("code_challenge_method", "S256"),
        ];
        let page = self.nave.send(ask(Method::GET, &path).query(&query)).await;
        let flow = page.hidden("flow");
        let form = [("flow", flow.as_str()), ("with", "idp")];
        let onward = self
            .nave
            .send(
                ask(Method::POST, &path)
                    .header(header::COOKIE, &page.cookie())
                    .form(&form),
            )
            .await;
        assert_eq!(onward.status, 200, "{}", onward.text);
        let address = onward
            .header("refresh")
            .split_once("url=")
            .expect("onward")
            .1
            .to_owned();
        assert!(
            address.starts_with(&format!("{}/authorize?", self.idp.issuer)),
            "{address}"
        );
        let query = address.split_once('?').expect("query").1.to_owned();
        let pair = |name: &str| {
            let found = form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name);
            found.unwrap_or_else(|| panic!("no {name}")).1.into_owned()
        };
        assert_eq!(pair("redirect_uri"), "https://nave.test/sso/idp/callback");
        assert_eq!(pair("code_challenge_method"), "S256");
        let cookie = onward.cookie();
        assert!(onward.header("set-cookie").contains("HttpOnly; SameSite=Lax"));
        OnTheWay {
            state: pair("state"),
            nonce: pair("nonce"),
            challenge: pair("code_challenge"),
            cookie,
        }
    }

    async fn back(&self, way: &OnTheWay, query: &[(&str, &str)]) -> Answer {
        self.back_to("idp", way, query).await
    }

    async fn back_to(&self, provider: &str, way: &OnTheWay, query: &[(&str, &str)]) -> Answer {
        let callback = ask(Method::GET, &format!("/sso/{provider}/callback"));
        self.nave
            .send(
                callback
                    .header(header::COOKIE, &way.cookie)
                    .query(&[("state", &way.state)])
                    .query(query),
            )
            .await
    }

    fn claims(&self, way: &OnTheWay) -> Value {
        let now = start().as_second();
        json!({
            "iss": self.idp.issuer, "aud": "client", "sub": "ann-1", "nonce": way.nonce, "iat": now, "exp": now + 300,
            "email": "ann@contoso.com", "email_verified": true, "name": "Ann", "preferred_username": "ann@contoso.com",
        })
    }

    /// A whole sign-in in which the provider says this.
    async fn sign_in(&self, say: impl FnOnce(&mut Value)) -> Answer {
        let way = self.leave().await;
        let mut claims = self.claims(&way);
        say(&mut claims);
        self.idp.tell(|script| script.claims = claims);
        self.back(&way, &[("code", "good")]).await
    }

    async fn user(&self, name: &str) -> Option<Value> {
        let found = self.nave.get(&format!("/users/{name}")).await;
        (found.status == 200).then_some(found.json)
    }
}

/// Whether the program was given a code.
fn is_in(answer: &Answer) -> bool {
    answer.status == 303 && answer.header("location").starts_with("http://localhost:1?code=")
}

#[track_caller]
fn is_out(answer: &Answer, why: &str) {
    assert!(
        !is_in(answer) && answer.status >= 400,
        "{} {}",
        answer.status,
        answer.text
    );
    assert!(answer.text.contains(why), "{why} is not in {}", answer.text);
}

fn let_in() -> Value {
    json!({ "justInTime": true })
}

#[tokio::test]
async fn somebody_comes_back_and_is_the_same_person_next_time() {
    let world = World::start(let_in()).await;
    let way = world.leave().await;
    let claims = world.claims(&way);
    world.idp.tell(|script| script.claims = claims);
    let answer = world.back(&way, &[("code", "good")]).await;
    assert!(is_in(&answer), "{} {}", answer.status, answer.text);
    assert!(answer.header("location").contains("state=program"));
    let asked = world.idp.script.lock().expect("script").asked.clone();
    let verifier = &asked
        .iter()
        .find(|(name, _)| name == "code_verifier")
        .expect("PKCE")
        .1;
    use sha2::{Digest, Sha256};
    assert_eq!(URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)), way.challenge);
    let first = world.user("ann@contoso.com").await.expect("Ann");
    assert_eq!(
        (&first["displayName"], &first["mail"]),
        (&json!("Ann"), &json!("ann@contoso.com"))
    );

    assert!(is_in(
        &world
            .sign_in(|claims| claims["email"] = "new@contoso.com".into())
            .await
    ));
    let again = world.user("ann@contoso.com").await.expect("Ann");
    assert_eq!(again["id"], first["id"]);
}

#[tokio::test]
async fn a_token_that_is_not_for_this_sign_in_lets_nobody_in() {
    let world = World::start(let_in()).await;
    let now = start().as_second();
    let table: [(&str, Value, &str); 11] = [
        ("nonce", json!("another"), "another sign-in"),
        ("nonce", Value::Null, "another sign-in"),
        ("iss", json!("https://other.test"), "issuer"),
        ("aud", json!("another"), "another application"),
        ("aud", json!(["client", "another"]), "another application"),
        ("azp", json!("another"), "another application"),
        ("exp", json!(now - 600), "expired"),
        ("exp", Value::Null, "does not hold"),
        ("nbf", json!(now + 600), "does not hold"),
        ("sub", json!(""), "whom it is about"),
        ("at_hash", json!("AAAAAAAAAAAAAAAAAAAAAA"), "belong together"),
    ];
    for (claim, value, why) in table {
        let answer = world.sign_in(|claims| claims[claim] = value.clone()).await;
        is_out(&answer, why);
    }
    assert_eq!(world.user("ann@contoso.com").await, None);
    let several = |claims: &mut Value| {
        claims["aud"] = json!(["client", "another"]);
        claims["azp"] = "client".into();
        use sha2::{Digest, Sha256};
        claims["at_hash"] = URL_SAFE_NO_PAD.encode(&Sha256::digest("access")[..16]).into();
    };
    assert!(is_in(&world.sign_in(several).await));
}

#[tokio::test]
async fn a_token_that_the_issuer_did_not_sign_lets_nobody_in() {
    let world = World::start(let_in()).await;
    let forged = key("one");
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    type Forge<'a> = &'a dyn Fn(&Value) -> String;
    let table: [(&str, Forge<'_>); 4] = [
        ("another key under the same id", &|claims| signed(&forged, claims)),
        ("no signature", &|claims| {
            format!("{}.{}.", part(json!({ "alg": "none" })), part(claims.clone()))
        }),
        ("a shared secret", &|claims| {
            let secret = jsonwebtoken::EncodingKey::from_secret(b"se cret");
            let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256);
            header.kid = Some(String::from("one"));
            jsonwebtoken::encode(&header, claims, &secret).expect("token")
        }),
        ("no token", &|_| String::from("x")),
    ];
    for (what, forge) in table {
        let way = world.leave().await;
        let token = forge(&world.claims(&way));
        world.idp.tell(|script| script.id_token = Some(token));
        let answer = world.back(&way, &[("code", "good")]).await;
        assert!(!is_in(&answer), "{what}");
        is_out(&answer, "its token");
    }
}

#[tokio::test]
async fn keys_may_change() {
    let world = World::start(let_in()).await;
    assert!(is_in(&world.sign_in(|_| {}).await));
    world.nave.advance(10);
    let next = key("two");
    let both = world.idp.script.lock().expect("script").published.clone();
    world.idp.tell(|script| {
        script.published = json!({ "keys": [both["keys"][0], published(&next)] });
        script.key = next;
    });
    assert!(
        is_in(
            &world
                .sign_in(|claims| claims["exp"] = json!(start().as_second() + 900))
                .await
        ),
        "a new key is looked for"
    );
    world.nave.advance(10);
    world.idp.tell(|script| script.key = key("three"));
    is_out(
        &world
            .sign_in(|claims| claims["exp"] = json!(start().as_second() + 900))
            .await,
        "a key that it does not have",
    );
}

#[tokio::test]
async fn an_answer_must_be_to_our_question_from_whom_we_asked_and_in_this_browser() {
    let world = World::start(let_in()).await;
    let way = world.leave().await;
    let claims = world.claims(&way);
    world.idp.tell(|script| script.claims = claims);
    // Another state, no state, another browser: nobody is let in, and the provider is not even asked.
    let other = OnTheWay {
        state: String::from("guessed"),
        ..world.leave().await
    };
    is_out(&world.back(&other, &[("code", "good")]).await, "expired");
    let victim = OnTheWay {
        cookie: String::from("__Host-nave-away=stolen"),
        ..world.leave().await
    };
    is_out(&world.back(&victim, &[("code", "good")]).await, "expired");
    assert!(world.idp.script.lock().expect("script").asked.is_empty());
    // Once only.
    assert!(is_in(&world.back(&way, &[("code", "good")]).await));
    is_out(&world.back(&way, &[("code", "good")]).await, "expired");
    // A code of somebody else's sign-in does not carry this sign-in's nonce.
    let (attacker, victim) = (world.leave().await, world.leave().await);
    let claims = world.claims(&attacker);
    world.idp.tell(|script| script.claims = claims);
    is_out(&world.back(&victim, &[("code", "good")]).await, "another sign-in");
    is_out(
        &world.back(&world.leave().await, &[("code", "bad")]).await,
        "the code is not one of ours",
    );
    is_out(&world.back(&world.leave().await, &[]).await, "no code");
    let denied = [
        ("error", "access_denied"),
        ("error_description", "you <b>may not</b>"),
    ];
    let answer = world.back(&world.leave().await, &denied).await;
    is_out(&answer, "you &lt;b&gt;may not");
}

#[tokio::test]
async fn providers_are_not_mixed_up() {
    let world = World::start(let_in()).await;
    let evil = Double::start().await;
    world.configure("evil", &evil, let_in()).await;
    let way = world.leave().await;
    is_out(&world.back_to("evil", &way, &[("code", "good")]).await, "expired");
    let way = world.leave().await;
    is_out(
        &world.back(&way, &[("code", "good"), ("iss", &evil.issuer)]).await,
        "was not asked",
    );
    let way = world.leave().await;
    let claims = world.claims(&way);
    world.idp.tell(|script| script.claims = claims);
    assert!(is_in(
        &world
            .back(&way, &[("code", "good"), ("iss", &world.idp.issuer)])
            .await
    ));

    let promising = World {
        nave: Nave::start().await,
        idp: Double::start().await,
    };
    promising
        .idp
        .tell(|script| script.document = json!({ "authorization_response_iss_parameter_supported": true }));
    promising.configure("idp", &promising.idp, let_in()).await;
    let way = promising.leave().await;
    is_out(
        &promising.back(&way, &[("code", "good")]).await,
        "does not say whom it is from",
    );
    let way = promising.leave().await;
    is_out(
        &promising
            .back(&way, &[("code", "good"), ("iss", "https://other.test")])
            .await,
        "was not asked",
    );
}

#[tokio::test]
async fn an_address_alone_makes_nobody_anybody() {
    // Joe is here already; whoever calls himself Joe elsewhere is not he.
    let world = World::start(let_in()).await;
    let as_joe = |claims: &mut Value| {
        claims["email"] = "joe@contoso.com".into();
        claims["preferred_username"] = "joe@contoso.com".into();
    };
    is_out(&world.sign_in(as_joe).await, "somebody&#39;s here");

    // Where the administrator lets verified addresses link, one that is not verified does not.
    let linking = World::start(json!({ "linkBy": ["verifiedEmail"] })).await;
    let unverified = |claims: &mut Value| {
        as_joe(claims);
        claims["email_verified"] = false.into();
    };
    is_out(&linking.sign_in(unverified).await, "no account here");
    let unsaid = |claims: &mut Value| {
        as_joe(claims);
        claims
            .as_object_mut()
            .expect("object")
            .shift_remove("email_verified");
    };
    is_out(&linking.sign_in(unsaid).await, "no account here");
    assert!(is_in(&linking.sign_in(as_joe).await));
    // The account is that subject's now, and nobody else's.
    let another = |claims: &mut Value| {
        as_joe(claims);
        claims["sub"] = "another".into();
    };
    is_out(&linking.sign_in(another).await, "belongs to somebody else");
    assert!(is_in(
        &linking
            .sign_in(|claims| claims["email"] = "changed@contoso.com".into())
            .await
    ));
}

#[tokio::test]
async fn accounts_are_made_only_where_and_for_whom_it_is_said() {
    let closed = World::start(json!({})).await;
    is_out(&closed.sign_in(|_| {}).await, "no account here");
    let domains = World::start(json!({ "justInTime": true, "allowedDomains": ["Contoso.com"] })).await;
    is_out(
        &domains
            .sign_in(|claims| claims["email"] = "ann@evil.test".into())
            .await,
        "a domain",
    );
    is_out(
        &domains
            .sign_in(|claims| claims["email"] = "ann@sub.contoso.com".into())
            .await,
        "a domain",
    );
    is_out(
        &domains
            .sign_in(|claims| claims["email_verified"] = false.into())
            .await,
        "a domain",
    );
    assert!(is_in(&domains.sign_in(|_| {}).await));
}

#[tokio::test]
async fn who_is_disabled_stays_out() {
    let world = World::start(let_in()).await;
    assert!(is_in(&world.sign_in(|_| {}).await));
    let off = json!({ "accountEnabled": false });
    world
        .nave
        .graph(Method::PATCH, "/users/ann@contoso.com", off)
        .await
        .expect(204);
    is_out(&world.sign_in(|_| {}).await, "disabled");
}

#[tokio::test]
async fn groups_follow_the_claim_and_leave_what_others_gave() {
    let world = World::start(json!({})).await;
    let make = |name: &str, external: Option<&str>| json!({ "displayName": name, "mailNickname": name, "mailEnabled": false, "securityEnabled": true, "externalId": external });
    let group = async |name: &str, external| {
        let made = world
            .nave
            .graph(Method::POST, "/groups", make(name, external))
            .await
            .expect(201);
        made["id"].as_str().expect("id").to_owned()
    };
    let (table, _, manual) = (
        group("table", None).await,
        group("external", Some("ext")).await,
        group("manual", None).await,
    );
    let settings = json!({
        "justInTime": true, "groupsByExternalId": true,
        "groupMappings": [{ "value": "eng", "groupId": table }, { "value": "man", "groupId": manual }],
    });
    world
        .nave
        .graph(Method::PATCH, "/identity/identityProviders/idp", settings)
        .await
        .expect(200);
    world
        .idp
        .tell(|script| script.userinfo = json!({ "sub": "ann-1" }));
    let groups = async |values: Value| {
        assert!(is_in(
            &world.sign_in(|claims| claims["groups"] = values.clone()).await
        ));
        let listed = world.nave.get("/users/ann@contoso.com/memberOf").await;
        let mut names: Vec<String> = listed
            .each("displayName")
            .into_iter()
            .map(str::to_owned)
            .collect();
        names.sort();
        names.join(" ")
    };
    assert_eq!(groups(json!(["eng", "ext", "unknown"])).await, "external table");
    let ann = world.user("ann@contoso.com").await.expect("Ann")["id"]
        .as_str()
        .expect("id")
        .to_owned();
    let reference = json!({ "@odata.id": format!("https://nave.test/graph/v1.0/directoryObjects/{ann}") });
    world
        .nave
        .graph(Method::POST, &format!("/groups/{manual}/members/$ref"), reference)
        .await
        .expect(204);
    assert_eq!(groups(json!(["man", "ext"])).await, "external manual");
    assert_eq!(groups(json!("eng")).await, "manual table");
    assert_eq!(groups(Value::Null).await, "manual");
    // A list that was too long is no list.
    assert_eq!(groups(json!(["eng"])).await, "manual table");
    let left_out = |claims: &mut Value| claims["_claim_names"] = json!({ "groups": "src1" });
    assert!(is_in(&world.sign_in(left_out).await));
    assert_eq!(
        world
            .nave
            .get("/users/ann@contoso.com/memberOf")
            .await
            .each("displayName")
            .len(),
        2
    );
}

#[tokio::test]
async fn what_the_token_does_not_say_the_userinfo_endpoint_does_about_the_same_person() {
    let world = World::start(let_in()).await;
    let bare = |claims: &mut Value| {
        for name in ["email", "email_verified", "name"] {
            claims.as_object_mut().expect("object").shift_remove(name);
        }
    };
    world.idp.tell(|script| {
        script.userinfo = json!({ "sub": "another", "email": "eve@contoso.com", "name": "Eve" })
    });
    is_out(&world.sign_in(bare).await, "two people");
    world
        .idp
        .tell(|script| script.userinfo = json!({ "sub": "ann-1", "name": "Ann of userinfo", "iss": "x" }));
    assert!(is_in(&world.sign_in(bare).await));
    assert_eq!(
        world.user("ann@contoso.com").await.expect("Ann")["displayName"],
        "Ann of userinfo"
    );
}

#[tokio::test]
async fn a_providers_secret_is_never_shown_and_describing_one_takes_the_right_to_give_roles() {
    let world = World::start(json!({})).await;
    let shown = world
        .nave
        .get("/identity/identityProviders/idp")
        .await
        .expect(200);
    assert!(!shown.to_string().contains("se cret"));
    assert_eq!(
        (&shown["hasClientSecret"], &shown["enabled"]),
        (&json!(true), &json!(true))
    );
    let joe = common::person(JOE, "joe@contoso.com");
    for (method, path, body) in [
        (
            Method::POST,
            "/identity/identityProviders",
            json!({ "displayName": "x", "issuer": "https://x", "clientId": "c" }),
        ),
        (
            Method::PATCH,
            "/identity/identityProviders/idp",
            json!({ "justInTime": true }),
        ),
        (Method::DELETE, "/identity/identityProviders/idp", Value::Null),
        (Method::PATCH, "/identity/signInSettings", json!({})),
    ] {
        assert_eq!(
            world.nave.graph_as(&joe, method, path, body).await.status,
            403,
            "{path}"
        );
    }
    let twice = json!({ "id": "idp", "displayName": "x", "issuer": "https://x", "clientId": "c" });
    world
        .nave
        .graph(Method::POST, "/identity/identityProviders", twice)
        .await
        .expect(400);
    world
        .nave
        .graph(Method::DELETE, "/identity/identityProviders/idp", Value::Null)
        .await
        .expect(204);
}

#[tokio::test]
async fn only_what_the_issuer_signed_says_that_two_factors_were_seen_or_an_address_is_verified() {
    let world = World::start(json!({ "justInTime": true, "allowedDomains": ["contoso.com"] })).await;
    let policy = "/policies/identitySecurityDefaultsEnforcementPolicy";
    world
        .nave
        .graph(Method::PATCH, policy, json!({ "isEnabled": true }))
        .await
        .expect(204);
    let without = |name: &'static str| {
        move |claims: &mut Value| {
            for gone in ["name", name] {
                claims.as_object_mut().expect("object").shift_remove(gone);
            }
        }
    };
    world.idp.tell(|script| {
        script.userinfo = json!({
            "sub": "ann-1", "name": "Ann", "amr": ["mfa"], "email": "other@contoso.com", "email_verified": true
        });
    });
    is_out(&world.sign_in(without("email_verified")).await, "does not vouch");
    let answer = world.sign_in(without("name")).await;
    assert!(
        answer.text.contains("Set up an authenticator app"),
        "{}",
        answer.text
    );
    assert!(is_in(
        &world
            .sign_in(|claims| claims["amr"] = json!(["pwd", "mfa"]))
            .await
    ));
}

#[tokio::test]
async fn where_passwords_are_for_emergencies_the_page_says_so_and_folds_them_away() {
    let world = World::start(let_in()).await;
    let page = async || world.nave.send(ask(Method::GET, "/devicelogin")).await.text;
    assert!(!page().await.contains("<details"));
    let settings = json!({ "localPasswords": "breakGlass", "breakGlassAccounts": [common::ADMIN] });
    let changed = world
        .nave
        .graph(Method::PATCH, "/identity/signInSettings", settings)
        .await;
    assert!((200..300).contains(&changed.status), "{}", changed.json);
    let text = page().await;
    let (before, folded) = text.split_once("<details>").expect("folded away");
    let (folded, after) = folded.split_once("</details>").expect("an end");
    assert!(before.contains("name=\"user_code\"") && !before.contains("name=\"password\""));
    assert!(
        folded.contains("for emergencies") && folded.contains("name=\"password\""),
        "{folded}"
    );
    assert!(after.contains("Continue with idp") && !after.contains("name=\"password\""));
}
