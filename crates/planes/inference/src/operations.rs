//! What can be asked: one list of OpenAI's operations, each with the data action it takes (rest-surface 5.1).
//!
//! Operations that are not served yet are in the list too: who may not do them is told so, and who may is told that
//! they come later.

use std::sync::Arc;

use http::Method;
use nave_arm::{ArmError, ErrorCode};
use nave_engine::{
    Reply,
    operation::{Access, Surface},
    route::{Call, Route},
};

use crate::{Inference, answer, ask::Kind, models, place};

/// One operation, at all of its paths.
struct Operation {
    method: Method,
    paths: &'static [&'static str],
    /// The data action, below `Microsoft.CognitiveServices/accounts/OpenAI/`.
    action: &'static str,
    service: Service,
}

/// Who serves an operation.
#[derive(Clone, Copy)]
enum Service {
    Answer(Kind),
    ListModels,
    GetModel,
    Later,
}

/// The paths of an operation that a deployment answers, at accounts and projects, dated and v1. A project's
/// deployment may be named with its connection.
macro_rules! of_deployment {
    ($path:literal) => {
        &[
            concat!("/ai/{account}/openai/deployments/{deployment}", $path),
            concat!("/ai/{account}/openai/v1", $path),
            concat!("/api/projects/{project}/openai/deployments/{deployment}", $path),
            concat!(
                "/api/projects/{project}/openai/deployments/{connection}/{deployment}",
                $path
            ),
            concat!("/api/projects/{project}/openai/v1", $path),
        ]
    };
}

/// The paths of an operation that is not served yet, at accounts, dated and v1.
macro_rules! later {
    (deployment $path:literal) => {
        &[
            concat!("/ai/{account}/openai/deployments/{deployment}", $path),
            concat!("/ai/{account}/openai/v1", $path),
        ]
    };
    ($path:literal) => {
        &[
            concat!("/ai/{account}/openai", $path),
            concat!("/ai/{account}/openai/v1", $path),
        ]
    };
}

const MODELS: &[&str] = &[
    "/ai/{account}/openai/models",
    "/ai/{account}/openai/v1/models",
    "/api/projects/{project}/openai/models",
    "/api/projects/{project}/openai/v1/models",
];
const MODEL: &[&str] = &[
    "/ai/{account}/openai/models/{deployment}",
    "/ai/{account}/openai/v1/models/{deployment}",
    "/api/projects/{project}/openai/models/{deployment}",
    "/api/projects/{project}/openai/models/{connection}/{deployment}",
    "/api/projects/{project}/openai/v1/models/{deployment}",
    "/api/projects/{project}/openai/v1/models/{connection}/{deployment}",
];

/// Every operation. Where two paths match, the first one counts.
#[rustfmt::skip]
fn operations() -> Vec<Operation> {
    use Service::{Answer, GetModel, Later, ListModels};
    let get = |paths, action, service| Operation { method: Method::GET, paths, action, service };
    let post = |paths, action, service| Operation { method: Method::POST, paths, action, service };
    let delete = |paths, action| Operation { method: Method::DELETE, paths, action, service: Later };
    vec![
        post(of_deployment!("/chat/completions"), "deployments/chat/completions/action", Answer(Kind::Chat)),
        post(of_deployment!("/completions"), "deployments/completions/action", Answer(Kind::Completion)),
        post(of_deployment!("/embeddings"), "deployments/embeddings/action", Answer(Kind::Embedding)),
        get(MODELS, "models/read", ListModels),
        get(MODEL, "models/read", GetModel),

        post(later!(deployment "/images/generations"), "images/generations/action", Later),
        post(later!(deployment "/images/edits"), "images/generations/action", Later),
        post(later!(deployment "/audio/speech"), "deployments/audio/action", Later),
        post(later!(deployment "/audio/transcriptions"), "deployments/audio/action", Later),
        post(later!(deployment "/audio/translations"), "deployments/audio/action", Later),

        post(later!("/responses"), "responses/write", Later),
        get(later!("/responses/{response}"), "responses/read", Later),
        delete(later!("/responses/{response}"), "responses/delete"),
        get(later!("/responses/{response}/input_items"), "responses/read", Later),
        post(later!("/responses/{response}/cancel"), "responses/write", Later),

        get(later!("/files"), "files/read", Later),
        post(later!("/files"), "files/write", Later),
        post(later!("/files/import"), "files/write", Later),
        get(later!("/files/{file}"), "files/read", Later),
        delete(later!("/files/{file}"), "files/delete"),
        get(later!("/files/{file}/content"), "files/read", Later),
        post(later!("/uploads"), "uploads/write", Later),
        post(later!("/uploads/{upload}/parts"), "uploads/write", Later),
        post(later!("/uploads/{upload}/complete"), "uploads/write", Later),
        post(later!("/uploads/{upload}/cancel"), "uploads/write", Later),

        get(later!("/assistants"), "assistants/read", Later),
        post(later!("/assistants"), "assistants/write", Later),
        get(later!("/assistants/{assistant}"), "assistants/read", Later),
        post(later!("/assistants/{assistant}"), "assistants/write", Later),
        delete(later!("/assistants/{assistant}"), "assistants/delete"),

        post(later!("/threads"), "assistants/threads/write", Later),
        post(later!("/threads/runs"), "assistants/threads/runs/write", Later),
        get(later!("/threads/{thread}"), "assistants/threads/read", Later),
        post(later!("/threads/{thread}"), "assistants/threads/write", Later),
        delete(later!("/threads/{thread}"), "assistants/threads/delete"),
        get(later!("/threads/{thread}/messages"), "assistants/threads/messages/read", Later),
        post(later!("/threads/{thread}/messages"), "assistants/threads/messages/write", Later),
        get(later!("/threads/{thread}/messages/{message}"), "assistants/threads/messages/read", Later),
        post(later!("/threads/{thread}/messages/{message}"), "assistants/threads/messages/write", Later),
        get(later!("/threads/{thread}/runs"), "assistants/threads/runs/read", Later),
        post(later!("/threads/{thread}/runs"), "assistants/threads/runs/write", Later),
        get(later!("/threads/{thread}/runs/{run}"), "assistants/threads/runs/read", Later),
        post(later!("/threads/{thread}/runs/{run}"), "assistants/threads/runs/write", Later),
        post(later!("/threads/{thread}/runs/{run}/cancel"), "assistants/threads/runs/write", Later),
        post(later!("/threads/{thread}/runs/{run}/submit_tool_outputs"), "assistants/threads/runs/write", Later),
        get(later!("/threads/{thread}/runs/{run}/steps"), "assistants/threads/runs/steps/read", Later),
        get(later!("/threads/{thread}/runs/{run}/steps/{step}"), "assistants/threads/runs/steps/read", Later),

        get(later!("/vector_stores"), "assistants/vector_stores/read", Later),
        post(later!("/vector_stores"), "assistants/vector_stores/write", Later),
        get(later!("/vector_stores/{store}"), "assistants/vector_stores/read", Later),
        post(later!("/vector_stores/{store}"), "assistants/vector_stores/write", Later),
        delete(later!("/vector_stores/{store}"), "assistants/vector_stores/delete"),
        get(later!("/vector_stores/{store}/files"), "assistants/vector_stores/files/read", Later),
        post(later!("/vector_stores/{store}/files"), "assistants/vector_stores/files/write", Later),
        get(later!("/vector_stores/{store}/files/{file}"), "assistants/vector_stores/files/read", Later),
        delete(later!("/vector_stores/{store}/files/{file}"), "assistants/vector_stores/files/delete"),
        post(later!("/vector_stores/{store}/file_batches"), "assistants/vector_stores/file_batches/write", Later),
        get(later!("/vector_stores/{store}/file_batches/{batch}"), "assistants/vector_stores/file_batches/read", Later),

        get(later!("/fine_tuning/jobs"), "fine-tunes/read", Later),
        post(later!("/fine_tuning/jobs"), "fine-tunes/write", Later),
        get(later!("/fine_tuning/jobs/{job}"), "fine-tunes/read", Later),
        delete(later!("/fine_tuning/jobs/{job}"), "fine-tunes/delete"),
        get(later!("/fine_tuning/jobs/{job}/events"), "fine-tunes/read", Later),
        get(later!("/fine_tuning/jobs/{job}/checkpoints"), "fine-tunes/read", Later),
        post(later!("/fine_tuning/jobs/{job}/cancel"), "fine-tunes/write", Later),

        get(later!("/batches"), "batches/read", Later),
        post(later!("/batches"), "batches/action", Later),
        get(later!("/batches/{batch}"), "batches/read", Later),
        post(later!("/batches/{batch}/cancel"), "batches/cancel/action", Later),
        post(later!("/moderations"), "moderations/action", Later),
    ]
}

/// The routes of every operation.
pub(crate) fn routes(inference: &Arc<Inference>) -> Vec<Route> {
    operations()
        .iter()
        .flat_map(|operation| {
            operation
                .paths
                .iter()
                .map(|path| route(inference, operation, path))
        })
        .collect()
}

fn route(inference: &Arc<Inference>, operation: &Operation, path: &'static str) -> Route {
    let access = Access::DataAction(format!(
        "Microsoft.CognitiveServices/accounts/OpenAI/{}",
        operation.action
    ));
    let (inference, service, is_dated) = (
        inference.clone(),
        operation.service,
        !path.contains("/openai/v1/"),
    );
    Route::new(
        operation.method.clone(),
        path,
        Surface::Inference,
        access,
        move |call| {
            let inference = inference.clone();
            async move {
                if is_dated {
                    place::check_version(&call.request)?;
                }
                serve(&inference, service, call).await
            }
        },
    )
    .about(place::target)
}

async fn serve(inference: &Inference, service: Service, call: Call) -> Result<Reply, ArmError> {
    match service {
        Service::Answer(kind) => answer::answer(inference, kind, call).await,
        Service::ListModels => models::list(&call),
        Service::GetModel => models::get(&call),
        Service::Later => Err(ArmError::new(
            ErrorCode::NotImplemented,
            format!(
                "'{} {}' is a known operation that this release does not serve yet. Served are chat completions, \
                 completions, embeddings and models.",
                call.request.method, call.request.path
            ),
        )),
    }
}
