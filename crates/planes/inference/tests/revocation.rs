//! A call under way ends when the right to it does, and both sides of that are in the log.

mod common;

use common::*;
use futures::{FutureExt, StreamExt, future::BoxFuture, stream::BoxStream};
use http::Method;
use nave_arm::ResourceId;
use nave_engine::{
    Body, Caller, Event, EventQuery, Proof, Put, SignIn, accounts, directory, principal_claim,
};
use nave_inference::Patience;
use nave_vault::api_key;
use serde_json::{Value, json};
use uuid::Uuid;

const PIECE: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"one\"}}]}\n\n";

type Pieces = BoxStream<'static, Result<bytes::Bytes, std::io::Error>>;

/// A nave whose model began to answer and will not go on.
struct Scene {
    nave: Nave,
    upstream: Upstream,
    group: Uuid,
}

impl Scene {
    async fn set() -> Self {
        let upstream = Upstream::start(Script::Stall(vec![PIECE])).await;
        let nave = Nave::with(Patience::default()).await;
        nave.account_before(upstream.setting("upstream-key")).await;
        Self {
            nave,
            upstream,
            group: Uuid::new_v4(),
        }
    }

    /// Begins a call; answers what is left of it after its first event.
    async fn begin(&self, caller: &Caller, path: &str) -> Pieces {
        let body = hello_with(json!({ "stream": true })).to_string();
        let reply = self
            .nave
            .send(Some(caller), Method::POST, path, body.into())
            .await;
        let Body::Stream(_, mut pieces) = reply.body else {
            panic!("no stream: {} {:?}", reply.status, reply.as_json());
        };
        assert_eq!(pieces.next().await.expect("piece").expect("bytes"), PIECE);
        pieces
    }

    async fn group_of(&self, members: &[Uuid]) {
        let sent = json!({ "id": self.group, "displayName": "callers", "members": members });
        let mut put = Put::new(directory::object_id(directory::GROUPS, self.group), sent);
        put.claims = vec![principal_claim(self.group)];
        self.nave.put(put).await;
    }

    async fn person(&self, caller: &Caller, enabled: bool, epoch: u64) {
        let id = caller.object_id;
        let sent = json!({ "id": id, "userPrincipalName": caller.name, "accountEnabled": enabled });
        let mut put = Put::new(directory::object_id(directory::USERS, id), sent);
        put.claims = vec![principal_claim(id)];
        put.own = json!({ "epoch": epoch });
        self.nave.put(put).await;
    }

    async fn custom_role(&self, role: Uuid, data_actions: &[&str]) {
        let permissions =
            json!([{ "actions": [], "notActions": [], "dataActions": data_actions, "notDataActions": [] }]);
        let properties = json!({
            "roleName": "caller", "type": "CustomRole", "assignableScopes": [RG], "permissions": permissions,
        });
        let id = ResourceId::tenant().extension("Microsoft.Authorization/roleDefinitions", &role.to_string());
        self.nave
            .put(Put::new(id, json!({ "properties": properties })))
            .await;
    }

    /// What was changed last. What follows from it may be in the log already.
    async fn latest(&self) -> Event {
        let mut events = self.nave.events(EventQuery::default()).await;
        events.retain(|event| event.outcome == "Succeeded" && !event.operation.contains("/OpenAI/"));
        events.remove(0)
    }
}

/// Holds a key of the first account, and what stands and falls with it.
fn with_key(nave: &Nave) -> Caller {
    let claim = accounts::key_claim(&api_key::fingerprint(nave.engine.vault(), KEY));
    let sign_in = SignIn {
        proof: Proof::Key(claim.into()),
        ..SignIn::default()
    };
    Caller {
        sign_in,
        ..key_holder(ACCOUNT)
    }
}

/// One way to lose a right: who calls, and what is done to him while he does.
type Story = for<'a> fn(&'a Scene) -> BoxFuture<'a, (Pieces, ResourceId)>;

/// What each story does last is what the cut follows from, and is about the resource it answers.
const STORIES: &[(&str, &str, Story)] = &[
    ("the assignment is removed", "PermissionDenied", |scene| {
        async {
            let joe = scene.nave.user("joe").await;
            let assignment = scene.nave.give(joe.object_id, OPENAI_USER, ACCOUNT).await;
            let pieces = scene.begin(&joe, CHAT).await;
            scene.nave.erase(&assignment).await;
            (pieces, assignment)
        }
        .boxed()
    }),
    ("the group's assignment is removed", "PermissionDenied", |scene| {
        async {
            let joe = scene.nave.user("joe").await;
            scene.group_of(&[joe.object_id]).await;
            let assignment = scene.nave.give(scene.group, OPENAI_USER, RG).await;
            let pieces = scene.begin(&joe, CHAT).await;
            scene.nave.erase(&assignment).await;
            (pieces, assignment)
        }
        .boxed()
    }),
    ("he leaves the group", "PermissionDenied", |scene| {
        async {
            let joe = scene.nave.user("joe").await;
            scene.group_of(&[joe.object_id]).await;
            scene.nave.give(scene.group, OPENAI_USER, RG).await;
            let pieces = scene.begin(&joe, CHAT).await;
            scene.group_of(&[]).await;
            (pieces, directory::object_id(directory::GROUPS, scene.group))
        }
        .boxed()
    }),
    ("the role loses the action", "PermissionDenied", |scene| {
        async {
            let (joe, role) = (scene.nave.user("joe").await, Uuid::new_v4());
            let actions = "Microsoft.CognitiveServices/accounts/OpenAI/*";
            scene.custom_role(role, &[actions]).await;
            scene.nave.give(joe.object_id, role, ACCOUNT).await;
            let pieces = scene.begin(&joe, CHAT).await;
            scene.custom_role(role, &[]).await;
            let id = scene.latest().await.resource;
            (pieces, common::id(&id))
        }
        .boxed()
    }),
    (
        "a deny assignment comes",
        "DenyAssignmentAuthorizationFailed",
        |scene| {
            async {
                let joe = scene.nave.user_with("joe", OPENAI_USER, ACCOUNT).await;
                let pieces = scene.begin(&joe, CHAT).await;
                let id = id(RG).extension(
                    "Microsoft.Authorization/denyAssignments",
                    &Uuid::new_v4().to_string(),
                );
                let permissions =
                    json!([{ "actions": [], "notActions": [], "dataActions": ["*"], "notDataActions": [] }]);
                let properties = json!({
                    "denyAssignmentName": "no", "scope": RG, "permissions": permissions,
                    "principals": [{ "id": joe.object_id, "type": "User" }], "excludePrincipals": [],
                });
                scene
                    .nave
                    .put(Put::new(id.clone(), json!({ "properties": properties })))
                    .await;
                (pieces, id)
            }
            .boxed()
        },
    ),
    ("he is disabled", "InvalidAuthenticationToken", |scene| {
        async {
            let joe = scene.nave.user_with("joe", OPENAI_USER, ACCOUNT).await;
            let pieces = scene.begin(&joe, CHAT).await;
            scene.person(&joe, false, 0).await;
            (pieces, directory::object_id(directory::USERS, joe.object_id))
        }
        .boxed()
    }),
    ("he is deleted", "InvalidAuthenticationToken", |scene| {
        async {
            let joe = scene.nave.user_with("joe", OPENAI_USER, ACCOUNT).await;
            let pieces = scene.begin(&joe, CHAT).await;
            let row = directory::object_id(directory::USERS, joe.object_id);
            scene.nave.erase(&row).await;
            (pieces, row)
        }
        .boxed()
    }),
    (
        "his tokens are called back",
        "InvalidAuthenticationToken",
        |scene| {
            async {
                let mut joe = scene.nave.user_with("joe", OPENAI_USER, ACCOUNT).await;
                joe.sign_in.proof = Proof::Epoch(0);
                let pieces = scene.begin(&joe, CHAT).await;
                scene.person(&joe, true, 1).await;
                (pieces, directory::object_id(directory::USERS, joe.object_id))
            }
            .boxed()
        },
    ),
    ("his session ends", "InvalidAuthenticationToken", |scene| {
        async {
            let mut joe = scene.nave.user_with("joe", OPENAI_USER, ACCOUNT).await;
            let session = Uuid::new_v4();
            let row = directory::session_id(session);
            joe.sign_in.session = Some(session);
            scene.nave.put(Put::new(row.clone(), json!({}))).await;
            let pieces = scene.begin(&joe, CHAT).await;
            scene.nave.erase(&row).await;
            (pieces, row)
        }
        .boxed()
    }),
    ("the deployment is deleted", "DeploymentNotFound", |scene| {
        async {
            let joe = scene.nave.user_with("joe", OPENAI_USER, ACCOUNT).await;
            let pieces = scene.begin(&joe, CHAT).await;
            let deployment = id(ACCOUNT).child("deployments", "chat");
            scene.nave.erase(&deployment).await;
            (pieces, deployment)
        }
        .boxed()
    }),
    ("the account is deleted", "DeploymentNotFound", |scene| {
        async {
            let joe = scene.nave.user_with("joe", OPENAI_USER, RG).await;
            let pieces = scene.begin(&joe, CHAT).await;
            scene.nave.erase(&id(ACCOUNT)).await;
            (pieces, id(ACCOUNT))
        }
        .boxed()
    }),
    ("the key is regenerated", "PermissionDenied", |scene| {
        async {
            let pieces = scene.begin(&with_key(&scene.nave), CHAT).await;
            let upstream = scene.upstream.setting("upstream-key");
            scene
                .nave
                .account(
                    ACCOUNT,
                    OTHER_KEY_OF_IT,
                    json!({ "nave": { "upstream": upstream } }),
                )
                .await;
            (pieces, id(ACCOUNT))
        }
        .boxed()
    }),
    (
        "the account takes no keys any more",
        "AuthenticationTypeDisabled",
        |scene| {
            async {
                let pieces = scene.begin(&with_key(&scene.nave), CHAT).await;
                let upstream = scene.upstream.setting("upstream-key");
                scene
                    .nave
                    .account(
                        ACCOUNT,
                        KEY,
                        json!({ "disableLocalAuth": true, "nave": { "upstream": upstream } }),
                    )
                    .await;
                (pieces, id(ACCOUNT))
            }
            .boxed()
        },
    ),
    ("the connection is deleted", "ResourceNotFound", |scene| {
        async {
            let pieces = scene.through_the_hub().await;
            let connection = id(HUB).child("connections", "shared");
            scene.nave.erase(&connection).await;
            (pieces, connection)
        }
        .boxed()
    }),
    (
        "the hub keeps its connection to itself",
        "ResourceNotFound",
        |scene| {
            async {
                let pieces = scene.through_the_hub().await;
                let properties = json!({
                    "category": "AzureOpenAI", "authType": "ApiKey", "target": "https://nave.test/ai/ai1/",
                    "isSharedToAll": false,
                });
                scene.nave.connection(HUB, "shared", properties, KEY).await;
                (pieces, id(HUB).child("connections", "shared"))
            }
            .boxed()
        },
    ),
    ("the project is deleted", "ResourceNotFound", |scene| {
        async {
            let pieces = scene.through_the_hub().await;
            scene.nave.erase(&id(PROJECT)).await;
            (pieces, id(PROJECT))
        }
        .boxed()
    }),
    (
        "the key that the connection holds is replaced",
        "PermissionDenied",
        |scene| {
            async {
                let pieces = scene.through_the_hub().await;
                let upstream = scene.upstream.setting("upstream-key");
                scene
                    .nave
                    .account(
                        ACCOUNT,
                        OTHER_KEY_OF_IT,
                        json!({ "nave": { "upstream": upstream } }),
                    )
                    .await;
                (pieces, id(ACCOUNT))
            }
            .boxed()
        },
    ),
];

/// What a key becomes when it is regenerated.
const OTHER_KEY_OF_IT: &str = "22223333444455556666777788889999";

impl Scene {
    /// A member of the project calls through the hub's connection.
    async fn through_the_hub(&self) -> Pieces {
        self.nave.hub_and_project().await;
        self.nave.shared_connection(KEY).await;
        let dev = self.nave.user_with("dev", AI_DEVELOPER, RG).await;
        self.begin(&dev, PROJECT_CHAT).await
    }
}

#[tokio::test]
async fn who_loses_his_right_loses_what_it_opened() {
    for (what, code, story) in STORIES {
        let scene = Scene::set().await;
        let (mut pieces, about) = story(&scene).await;
        let cause = scene.latest().await;
        assert_eq!(cause.resource.to_lowercase(), about.key(), "{what}");

        let last = pieces.next().await.expect(what).expect("bytes");
        assert!(pieces.next().await.is_none(), "{what}");
        scene.upstream.hung_up().await;

        let told: Value = serde_json::from_slice(last.strip_prefix(b"data: ").expect("data")).expect("JSON");
        assert_eq!(told["error"]["code"], json!(code), "{what}: {told}");
        let calls = scene.nave.calls().await;
        let cut = calls.last().expect("a cut");
        assert_eq!(cut.outcome, "Cut", "{what}: {calls:?}");
        let named = &told["error"]["additionalInfo"][0]["info"]["id"];
        assert_eq!(*named, json!(cut.decision), "{what}");
        check_settled(what, cut, &cause);
        let of_cause = EventQuery {
            cause: Some(cause.id),
            ..EventQuery::default()
        };
        let followed = scene.nave.events(of_cause).await;
        assert_eq!(followed, std::slice::from_ref(cut), "{what}");
    }
}

#[track_caller]
fn check_settled(what: &str, cut: &Event, cause: &Event) {
    assert_eq!(cut.cause, Some(cause.id), "{what}");
    let detail = &cut.detail["detail"];
    assert_eq!(detail["completionTokens"], json!(1), "{what}: {detail}");
    let told = &detail["cut"]["cause"];
    assert_eq!(
        (&told["event"], &told["revision"], &told["operation"]),
        (&json!(cause.id), &json!(cause.revision), &json!(cause.operation)),
        "{what}"
    );
    assert_eq!(told["callerName"], json!(cause.caller_name), "{what}");
}

#[tokio::test]
async fn a_cut_does_not_wait_for_the_client() {
    let scene = Scene::set().await;
    let joe = scene.nave.user("joe").await;
    let assignment = scene.nave.give(joe.object_id, OPENAI_USER, ACCOUNT).await;
    let mut pieces = scene.begin(&joe, CHAT).await;
    scene.nave.erase(&assignment).await;
    // nobody asks for the next piece
    scene.upstream.hung_up().await;
    assert_eq!(scene.nave.calls().await.last().expect("a call").outcome, "Cut");
    let last = pieces.next().await.expect("a last event").expect("bytes");
    assert!(String::from_utf8_lossy(&last).contains("PermissionDenied"));
}

#[tokio::test]
async fn a_client_that_waits_is_told() {
    let scene = Scene::set().await;
    let joe = scene.nave.user("joe").await;
    let assignment = scene.nave.give(joe.object_id, OPENAI_USER, ACCOUNT).await;
    let mut pieces = scene.begin(&joe, CHAT).await;
    let waiting = tokio::spawn(async move { pieces.next().await });
    tokio::task::yield_now().await;
    scene.nave.erase(&assignment).await;
    let last = waiting
        .await
        .expect("read")
        .expect("a last event")
        .expect("bytes");
    assert!(String::from_utf8_lossy(&last).contains("PermissionDenied"));
}

#[tokio::test]
async fn an_answer_that_is_waited_for_is_cut_too() {
    let upstream = Upstream::start(Script::Silence).await;
    let nave = Nave::with(Patience::default()).await;
    nave.account_before(upstream.setting("upstream-key")).await;
    let joe = nave.user("joe").await;
    let assignment = nave.give(joe.object_id, OPENAI_USER, ACCOUNT).await;
    let revoked = async {
        while upstream.arrived().is_empty() {
            tokio::task::yield_now().await;
        }
        nave.erase(&assignment).await;
    };
    let (answer, ()) = tokio::join!(nave.post(&joe, CHAT, hello()), revoked);
    assert_eq!((answer.status, answer.code()), (401, "PermissionDenied"));
    let calls = nave.calls().await;
    let outcomes: Vec<&str> = calls.iter().map(|call| call.outcome.as_str()).collect();
    assert_eq!(outcomes, ["Started", "Cut"]);
}

#[tokio::test]
async fn what_concerns_others_cuts_nobody() {
    let scene = Scene::set().await;
    let joe = scene.nave.user_with("joe", OPENAI_USER, ACCOUNT).await;
    let second = scene.nave.give(joe.object_id, AI_DEVELOPER, RG).await;
    let mut pieces = scene.begin(&joe, CHAT).await;
    let eve = scene.nave.user_with("eve", OPENAI_USER, ACCOUNT).await;
    scene.person(&eve, false, 1).await;
    scene.nave.erase(&second).await;
    scene
        .nave
        .deployment(ACCOUNT, "another", "gpt-4o", json!({}))
        .await;
    assert!(pieces.next().now_or_never().is_none());
    drop(pieces);
    assert_eq!(
        scene.nave.calls().await.last().expect("a call").outcome,
        "Canceled"
    );
}
