//! Accounts: their keys, their subdomains, and what they refuse.

mod common;

use common::*;
use http::{HeaderValue, Method};
use nave_engine::{
    Caller, CallerKind, EventQuery, Read, accounts, decision::Need, operation::Surface, principal_claim,
};
use serde_json::{Value, json};

fn account(name: &str) -> String {
    format!("{RG}/providers/Microsoft.CognitiveServices/accounts/{name}")
}

fn open_ai() -> Value {
    json!({ "kind": "OpenAI", "location": "eastus", "sku": { "name": "S0" }, "properties": {} })
}

async fn keys(nave: &Nave, caller: &Caller, name: &str) -> [String; 2] {
    let (status, body) = nave
        .post(caller, &format!("{}/listKeys", account(name)), Value::Null)
        .await;
    assert_eq!(status, 200, "{body}");
    ["key1", "key2"].map(|key| body[key].as_str().expect("a key").to_owned())
}

/// Who a key says is asking.
async fn who(nave: &Nave, path: &str, key: &str) -> Result<Option<Caller>, u16> {
    let mut request = request(None, Method::POST, path, Value::Null);
    request
        .headers
        .insert("api-key", HeaderValue::from_str(key).expect("a header"));
    nave.engine
        .authenticate(&request)
        .await
        .map_err(|error| error.status())
}

#[tokio::test]
async fn an_account_has_an_endpoint_and_is_shown_as_it_was_sent() {
    let nave = Nave::start().await;
    let ada = nave.contributor().await;
    let body = json!({
        "kind": "openai", "location": "East US", "sku": { "name": "s0" }, "tags": { "team": "a" },
        "properties": { "customSubDomainName": "Contoso-AI", "disableLocalAuth": false, "unknown": [1] },
    });
    let (status, created) = nave.put_as(&ada, &account("ai1"), body.clone()).await;
    assert_eq!(status, 201, "{created}");
    assert_eq!(created["id"], account("ai1"));
    assert_eq!(
        (&created["kind"], &created["sku"]),
        (&json!("OpenAI"), &json!({ "name": "S0" }))
    );
    let properties = &created["properties"];
    assert_eq!(properties["endpoint"], "https://nave.test/ai/contoso-ai/");
    assert_eq!(
        properties["endpoints"]["OpenAI Language Model Instance API"],
        "https://nave.test/ai/contoso-ai/"
    );
    assert_eq!(properties["customSubDomainName"], "Contoso-AI");
    assert_eq!(
        (&properties["provisioningState"], &properties["unknown"]),
        (&json!("Succeeded"), &json!([1]))
    );
    assert_eq!(created.get("keys"), None, "fingerprints are nobody's business");

    assert_eq!(nave.put_as(&ada, &account("ai1"), body).await.0, 200);
    let (_, shown) = nave.get(&ada, &account("ai1")).await;
    assert_eq!(shown["properties"], created["properties"]);
    let (_, listed) = nave
        .get(
            &ada,
            &format!("{RG}/providers/Microsoft.CognitiveServices/accounts"),
        )
        .await;
    assert_eq!(listed["value"].as_array().map(Vec::len), Some(1));
    assert_eq!(nave.delete(&ada, &account("ai1")).await.0, 200);
    assert_eq!(nave.delete(&ada, &account("ai1")).await.0, 204);
}

#[tokio::test]
async fn what_a_client_sends_back_of_read_only_members_changes_nothing() {
    let nave = Nave::start().await;
    let ada = nave.contributor().await;
    let (_, mut shown) = nave.put_as(&ada, &account("ai1"), open_ai()).await;
    shown["properties"]["endpoint"] = json!("https://evil.test/");
    shown["keys"] = json!({ "key1": "accountkey:00" });
    assert_eq!(nave.put_as(&ada, &account("ai1"), shown).await.0, 200);
    let (_, after) = nave.get(&ada, &account("ai1")).await;
    assert_eq!(after["properties"]["endpoint"], "https://nave.test/ai/ai1/");
    let [key1, _] = keys(&nave, &ada, "ai1").await;
    assert!(
        who(&nave, "/ai/ai1/openai/v1/models", &key1)
            .await
            .expect("a caller")
            .is_some()
    );
}

#[tokio::test]
async fn a_key_says_whose_it_is_and_which_and_only_where_accounts_answer() {
    let nave = Nave::start().await;
    let ada = nave.contributor().await;
    nave.put_as(&ada, &account("ai1"), open_ai()).await;
    let [_, key2] = keys(&nave, &ada, "ai1").await;
    let caller = who(&nave, "/ai/ai1/openai/v1/models", &key2)
        .await
        .expect("known")
        .expect("a caller");
    let kind = CallerKind::AccountKey {
        account: id(&account("ai1")),
        key: String::from("key2"),
    };
    assert_eq!((caller.kind, caller.name.as_str()), (kind, "key2 of ai1"));
    assert_eq!(
        who(&nave, "/ai/ai1/openai/v1/models", "0123456789abcdef").await,
        Err(401)
    );
    assert_eq!(who(&nave, &account("ai1"), &key2).await, Ok(None));
}

#[tokio::test]
async fn a_regenerated_key_is_dead_at_once_and_the_other_lives() {
    let nave = Nave::start().await;
    let ada = nave.contributor().await;
    nave.put_as(&ada, &account("ai1"), open_ai()).await;
    let [old1, key2] = keys(&nave, &ada, "ai1").await;
    let path = format!("{}/regenerateKey", account("ai1"));
    let (status, regenerated) = nave.post(&ada, &path, json!({ "keyName": "Key1" })).await;
    assert_eq!(status, 200, "{regenerated}");
    let [new1, same2] = keys(&nave, &ada, "ai1").await;
    assert_eq!(
        (&regenerated["key1"], &regenerated["key2"]),
        (&json!(new1), &json!(key2))
    );
    assert_eq!(same2, key2);
    assert_ne!(new1, old1);
    let call = "/ai/ai1/openai/v1/models";
    assert_eq!(who(&nave, call, &old1).await, Err(401));
    for key in [&new1, &key2] {
        assert!(who(&nave, call, key).await.expect("known").is_some());
    }
    let snapshot = nave.engine.snapshot();
    let row = snapshot.get(&id(&account("ai1"))).expect("the account");
    assert_eq!(
        row.claims.len(),
        3,
        "the subdomain and two keys: {:?}",
        row.claims
    );
    // the claims are those of the new state: the subdomain is still held, and a PUT does not bring the old key back
    assert_eq!(nave.put_as(&ada, &account("ai1"), open_ai()).await.0, 200);
    assert_eq!(
        accounts::at_subdomain(&nave.engine.snapshot(), "ai1"),
        Some(id(&account("ai1")))
    );
    assert_eq!(who(&nave, call, &old1).await, Err(401));
    assert_eq!(keys(&nave, &ada, "ai1").await, [new1, key2]);
    for bad in [
        json!({}),
        json!({ "keyName": "key3" }),
        json!({ "keyName": 1 }),
        json!([]),
    ] {
        assert_eq!(nave.post(&ada, &path, bad.clone()).await.0, 400, "{bad}");
    }
}

#[tokio::test]
async fn of_two_who_replace_a_key_at_once_the_later_one_holds_the_key_that_lives() {
    let nave = Nave::start().await;
    let ada = nave.contributor().await;
    nave.put_as(&ada, &account("ai1"), open_ai()).await;
    let path = format!("{}/regenerateKey", account("ai1"));
    let one = nave.post(&ada, &path, json!({ "keyName": "key1" }));
    let two = nave.post(&ada, &path, json!({ "keyName": "key1" }));
    let (one, two) = tokio::join!(one, two);
    assert_eq!((one.0, two.0), (200, 200));
    let [live, _] = keys(&nave, &ada, "ai1").await;
    let mut known = Vec::new();
    for (_, answer) in [one, two] {
        let key = answer["key1"].as_str().expect("a key").to_owned();
        let is_known = who(&nave, "/ai/ai1/openai/v1/models", &key).await.is_ok();
        assert_eq!(is_known, key == live);
        known.push(is_known);
    }
    assert_eq!(known.iter().filter(|known| **known).count(), 1);
}

#[tokio::test]
async fn an_account_that_takes_no_keys_refuses_those_it_has() {
    let nave = Nave::start().await;
    let ada = nave.contributor().await;
    nave.put_as(&ada, &account("ai1"), open_ai()).await;
    let [key, _] = keys(&nave, &ada, "ai1").await;
    let caller = who(&nave, "/ai/ai1/openai/v1/models", &key)
        .await
        .expect("known")
        .expect("a caller");
    let chat = "Microsoft.CognitiveServices/accounts/OpenAI/deployments/chat/completions/action";
    let verdict = |at: &str| {
        let need = Need::data(chat, id(&account(at)));
        let decision = nave.engine.decide(&caller, Surface::Inference, vec![vec![need]]);
        if decision.allowed {
            200
        } else {
            decision.refusal().status()
        }
    };
    assert_eq!((verdict("ai1"), verdict("ai2")), (200, 401));
    let off = json!({ "properties": { "disableLocalAuth": true } });
    nave.patch(&ada, &account("ai1"), off).await;
    assert_eq!(verdict("ai1"), 403);
}

#[tokio::test]
async fn keys_die_with_their_account() {
    let nave = Nave::start().await;
    let ada = nave.contributor().await;
    nave.put_as(&ada, &account("ai1"), open_ai()).await;
    let [old, _] = keys(&nave, &ada, "ai1").await;
    nave.delete(&ada, &account("ai1")).await;
    assert_eq!(who(&nave, "/ai/ai1/openai/v1/models", &old).await, Err(401));
    let deleted = format!(
        "{S}/providers/Microsoft.CognitiveServices/locations/eastus/resourceGroups/rg/deletedAccounts/ai1"
    );
    assert_eq!(nave.delete(&ada, &deleted).await.0, 200);
    assert_eq!(
        nave.put_as(&ada, &account("ai1"), open_ai()).await.0,
        201,
        "the name is free again"
    );
    assert_ne!(keys(&nave, &ada, "ai1").await[0], old);
}

#[tokio::test]
async fn keys_are_listed_for_those_allowed() {
    let nave = Nave::start().await;
    let ada = nave.contributor().await;
    nave.put_as(&ada, &account("ai1"), open_ai()).await;
    for (role, expected) in [
        (READER, 403),
        (OPENAI_USER, 403),
        (COGNITIVE_SERVICES_USER, 200),
        (CONTRIBUTOR, 200),
    ] {
        let caller = nave.user_with("somebody@contoso.com", role, RG).await;
        let (status, body) = nave
            .post(&caller, &format!("{}/listKeys", account("ai1")), Value::Null)
            .await;
        assert_eq!(status, expected, "{role}: {body}");
    }
}

#[tokio::test]
async fn a_subdomain_is_of_one_account() {
    let nave = Nave::start().await;
    let ada = nave.contributor().await;
    let named = |name: &str| {
        let mut body = open_ai();
        body["properties"]["customSubDomainName"] = name.into();
        body
    };
    assert_eq!(nave.put_as(&ada, &account("ai1"), named("contoso")).await.0, 201);
    let taken = nave.put_as(&ada, &account("ai2"), named("CONTOSO")).await;
    assert_eq!((taken.0, code(&taken)), (409, "CustomDomainInUse"), "{}", taken.1);
    // the name of an account is its subdomain when it is free, and the beginning of it when it is not
    let (_, third) = nave.put_as(&ada, &account("Contoso"), open_ai()).await;
    let endpoint = third["properties"]["endpoint"].as_str().expect("an endpoint");
    assert!(
        endpoint.starts_with("https://nave.test/ai/contoso-"),
        "{endpoint}"
    );
    let check = format!("{S}/providers/Microsoft.CognitiveServices/checkDomainAvailability");
    for (name, free) in [("contoso", false), ("fabrikam", true), ("-a", false)] {
        let (status, body) = nave.post(&ada, &check, json!({ "subdomainName": name })).await;
        assert_eq!(
            (status, &body["isSubdomainAvailable"]),
            (200, &json!(free)),
            "{body}"
        );
    }
}

#[tokio::test]
async fn a_subdomain_is_chosen_once() {
    let nave = Nave::start().await;
    let ada = nave.contributor().await;
    nave.put_as(&ada, &account("ai1"), open_ai()).await;
    let choose = |name: &str| json!({ "properties": { "customSubDomainName": name } });
    assert_eq!(nave.patch(&ada, &account("ai1"), choose("mine")).await.0, 200);
    assert_eq!(nave.patch(&ada, &account("ai1"), choose("MINE")).await.0, 200);
    let changed = nave.patch(&ada, &account("ai1"), choose("other")).await;
    assert_eq!((changed.0, code(&changed)), (400, "PropertyChangeNotAllowed"));
    let (_, body) = nave.put_as(&ada, &account("ai1"), open_ai()).await;
    assert_eq!(
        body["properties"]["endpoint"], "https://nave.test/ai/mine/",
        "a PUT that says nothing keeps it"
    );
    assert_eq!(accounts::at_subdomain(&nave.engine.snapshot(), "ai1"), None);
}

#[tokio::test]
async fn bad_input_is_refused_where_it_is_wrong_and_changes_nothing() {
    let nave = Nave::start().await;
    let ada = nave.contributor().await;
    let table: &[(&str, Value, &str)] = &[
        ("/kind", json!(null), "kind"),
        ("/kind", json!("Bakery"), "kind"),
        ("/kind", json!(1), "kind"),
        ("/sku", json!(null), "sku.name"),
        ("/sku", json!("S0"), "sku"),
        ("/sku/name", json!("F0"), "sku.name"),
        ("/sku/name", json!(0), "sku.name"),
        ("/properties", json!([]), "properties"),
        (
            "/properties/disableLocalAuth",
            json!("maybe"),
            "properties.disableLocalAuth",
        ),
        (
            "/properties/publicNetworkAccess",
            json!("Open"),
            "properties.publicNetworkAccess",
        ),
        ("/properties/networkAcls", json!("none"), "properties.networkAcls"),
        (
            "/properties/customSubDomainName",
            json!("a.b"),
            "properties.customSubDomainName",
        ),
        (
            "/properties/customSubDomainName",
            json!({}),
            "properties.customSubDomainName",
        ),
        ("/properties/nave", json!("x"), "properties.nave"),
        (
            "/properties/nave",
            json!({ "upstream": { "endpoint": "x" } }),
            "properties.nave.upstream.endpoint",
        ),
        ("/identity", json!({ "type": "Mine" }), "identity.type"),
        ("/location", json!("atlantis"), "location"),
    ];
    for (pointer, value, target) in table {
        let mut body = open_ai();
        body["identity"] = json!({ "type": "None" });
        let (parent, member) = pointer.rsplit_once('/').expect("a pointer");
        body.pointer_mut(parent).expect("a parent")[member] = value.clone();
        let (status, answer) = nave.put_as(&ada, &account("ai1"), body).await;
        assert_eq!(
            (status, &answer["error"]["target"]),
            (400, &json!(target)),
            "{pointer} {value}: {answer}"
        );
    }
    let restore = json!({ "kind": "OpenAI", "location": "eastus", "sku": { "name": "S0" }, "properties": { "restore": true } });
    assert_eq!(nave.put_as(&ada, &account("ai1"), restore).await.0, 404);
    for name in ["a", "_ai", "a%20b", &"a".repeat(65)] {
        assert_eq!(
            nave.put_as(&ada, &account(name), open_ai()).await.0,
            400,
            "{name}"
        );
    }
    assert_eq!(nave.get(&ada, &account("ai1")).await.0, 404);
}

#[tokio::test]
async fn an_open_ai_account_can_be_upgraded_and_no_other_can_change_its_kind() {
    let nave = Nave::start().await;
    let ada = nave.contributor().await;
    nave.put_as(&ada, &account("ai1"), open_ai()).await;
    assert_eq!(
        nave.patch(&ada, &account("ai1"), json!({ "kind": "AIServices" }))
            .await
            .0,
        200
    );
    let speech = nave
        .patch(&ada, &account("ai1"), json!({ "kind": "SpeechServices" }))
        .await;
    assert_eq!((speech.0, code(&speech)), (400, "PropertyChangeNotAllowed"));
}

#[tokio::test]
async fn no_secret_is_seen_but_where_it_is_asked_for() {
    const CANARY: &str = "canary-4f1c9a";
    let nave = Nave::start().await;
    let ada = nave.contributor().await;
    let mut body = open_ai();
    let upstream = json!({ "kind": "openAI", "endpoint": "https://models.test/v1", "apiKey": CANARY });
    body["properties"]["nave"] = json!({ "upstream": upstream });
    let deployment = json!({
        "sku": { "name": "Standard", "capacity": "1" },
        "properties": { "model": { "format": "OpenAI", "name": "gpt-4o" }, "nave": { "upstream": upstream } },
    });
    let child = format!("{}/deployments/chat", account("ai1"));
    let mut said = Vec::new();
    said.push(nave.put_as(&ada, &account("ai1"), body).await);
    said.push(nave.put_as(&ada, &child, deployment).await);
    let secrets = keys(&nave, &ada, "ai1").await;
    said.push(
        nave.patch(&ada, &account("ai1"), json!({ "tags": { "a": "b" } }))
            .await,
    );
    for path in [
        "",
        "/deployments",
        "/deployments/chat",
        "/models",
        "/skus",
        "/usages",
    ] {
        said.push(nave.get(&ada, &format!("{}{path}", account("ai1"))).await);
    }
    said.push(
        nave.get(
            &ada,
            &format!("{S}/providers/Microsoft.CognitiveServices/accounts"),
        )
        .await,
    );
    assert_eq!(
        said[0].1["properties"]["nave"]["upstream"]["endpoint"],
        "https://models.test/v1"
    );
    for (status, answer) in &said {
        assert!(*status < 300, "{answer}");
        for secret in [CANARY, &secrets[0], &secrets[1], "accountkey:"] {
            assert!(!answer.to_string().contains(secret), "{answer}");
        }
    }
    let log = nave.engine.on_own_account::<Read>("test", &id("/"));
    let events = nave
        .engine
        .events(&log, EventQuery::default())
        .await
        .expect("events");
    assert!(events.len() > 3);
    let events = format!("{events:?}");
    for secret in [CANARY, &secrets[0], &secrets[1]] {
        assert!(!events.contains(secret));
        assert!(!nave.holds(secret), "in the data directory");
    }
    assert!(
        nave.holds("models.test"),
        "the search finds what is stored in the clear"
    );
}

#[tokio::test]
async fn an_upstream_key_stays_with_its_endpoint_and_goes_with_it() {
    let nave = Nave::start().await;
    let ada = nave.contributor().await;
    let with = |endpoint: &str, key: Option<&str>| {
        let mut body = open_ai();
        body["properties"]["nave"] = json!({ "upstream": { "endpoint": endpoint, "apiKey": key } });
        body
    };
    let key = async || {
        let grant = nave
            .engine
            .on_own_account::<nave_engine::Act>("test", &id(&account("ai1")));
        let row = nave
            .engine
            .read(&grant)
            .await
            .expect("read")
            .expect("the account");
        let secrets = nave.engine.open_secrets(&grant, &row).expect("secrets");
        accounts::upstream_key(&secrets).map(|key| key.expose(&nave_vault::Purpose::Check).clone())
    };
    nave.put_as(&ada, &account("ai1"), with("https://a.test/v1", Some("k1")))
        .await;
    let before = keys(&nave, &ada, "ai1").await;
    assert_eq!(key().await.as_deref(), Some("k1"));
    nave.put_as(&ada, &account("ai1"), with("https://a.test/v1/", None))
        .await;
    assert_eq!(
        key().await.as_deref(),
        Some("k1"),
        "a tool that sends back what it read keeps the key"
    );
    nave.patch(&ada, &account("ai1"), with("https://a.test/v1", Some("k2")))
        .await;
    assert_eq!(key().await.as_deref(), Some("k2"));
    nave.patch(&ada, &account("ai1"), with("https://evil.test/v1", None))
        .await;
    assert_eq!(
        key().await,
        None,
        "a key is not sent to an endpoint it was not given with"
    );
    assert_eq!(
        keys(&nave, &ada, "ai1").await,
        before,
        "the account's own keys are as they were"
    );
}

#[tokio::test]
async fn an_account_has_an_identity_while_it_wants_one() {
    let nave = Nave::start().await;
    let ada = nave.contributor().await;
    let mut body = open_ai();
    body["identity"] = json!({ "type": "SystemAssigned" });
    let (_, created) = nave.put_as(&ada, &account("ai1"), body.clone()).await;
    let principal = created["identity"]["principalId"]
        .as_str()
        .expect("a principal")
        .parse()
        .expect("a guid");
    assert_eq!(created["identity"]["tenantId"], TENANT.to_string());
    let known = || {
        nave.engine
            .snapshot()
            .claimed(&principal_claim(principal))
            .is_some()
    };
    assert!(known());
    let (_, again) = nave.put_as(&ada, &account("ai1"), body).await;
    assert_eq!(again["identity"], created["identity"]);
    nave.patch(&ada, &account("ai1"), json!({ "identity": { "type": "None" } }))
        .await;
    assert!(!known());
    let (_, later) = nave
        .patch(
            &ada,
            &account("ai1"),
            json!({ "identity": { "type": "systemassigned" } }),
        )
        .await;
    let principal = later["identity"]["principalId"]
        .as_str()
        .expect("a principal")
        .parse()
        .expect("a guid");
    nave.delete(&ada, &account("ai1")).await;
    assert!(
        nave.engine
            .snapshot()
            .claimed(&principal_claim(principal))
            .is_none()
    );
}

#[tokio::test]
async fn regions_and_kinds_answer_what_clients_ask_first() {
    let nave = Nave::start().await;
    let ada = nave.contributor().await;
    nave.put_as(&ada, &account("ai1"), open_ai()).await;
    let provider = format!("{S}/providers/Microsoft.CognitiveServices");
    let (status, usages) = nave
        .get(&ada, &format!("{provider}/locations/eastus/usages"))
        .await;
    assert_eq!(
        (status, &usages["value"][0]["currentValue"]),
        (200, &json!(1)),
        "{usages}"
    );
    assert_eq!(usages["value"][0]["name"]["value"], "AccountCount");
    assert_eq!(
        nave.get(&ada, &format!("{provider}/locations/atlantis/usages"))
            .await
            .0,
        400
    );
    let (status, models) = nave
        .get(&ada, &format!("{provider}/locations/eastus/models"))
        .await;
    assert_eq!(
        (
            status,
            models["value"].as_array().is_some_and(|models| models.len() > 4)
        ),
        (200, true)
    );
    let (status, skus) = nave.get(&ada, &format!("{provider}/skus")).await;
    assert_eq!((status, &skus["value"][0]["kind"]), (200, &json!("AIServices")));
    let sku = json!({ "kind": "Face", "type": "Microsoft.CognitiveServices/accounts", "skus": ["S0", "S9"] });
    let (_, checked) = nave
        .post(
            &ada,
            &format!("{provider}/locations/eastus/checkSkuAvailability"),
            sku,
        )
        .await;
    assert_eq!(
        (
            &checked["value"][0]["skuAvailable"],
            &checked["value"][1]["skuAvailable"]
        ),
        (&json!(true), &json!(false))
    );
    assert_eq!(
        nave.get(&ada, &format!("{provider}/deletedAccounts")).await,
        (200, json!({ "value": [] }))
    );
    let deleted = format!("{provider}/locations/eastus/resourceGroups/rg/deletedAccounts/gone");
    assert_eq!(
        (
            nave.get(&ada, &deleted).await.0,
            nave.delete(&ada, &deleted).await.0
        ),
        (404, 204)
    );
    assert_eq!(
        nave.get(&ada, &format!("{}/skus", account("missing"))).await.0,
        404
    );
}

#[tokio::test]
async fn no_policy_is_passed_by_an_odd_spelling() {
    let nave = Nave::start().await;
    let ada = nave.contributor().await;
    let id = format!("{RG}/providers/Microsoft.CognitiveServices/accounts/odd");
    let body = json!({ "Kind": "OpenAI", "location": "eastus", "sku": { "name": "S0" },
                       "Properties": { "DISABLELOCALAUTH": true } });
    let (status, made) = nave.put_as(&ada, &id, body).await;
    assert_eq!(status, 201, "{made}");
    assert_eq!(made["properties"]["disableLocalAuth"], true, "{made}");
    let twice = json!({ "properties": { "disableLocalAuth": true, "DisableLocalAuth": false } });
    assert_eq!(nave.patch(&ada, &id, twice).await.0, 400);
}
