//! The four people of the demo (features, personas 1 to 4).

use std::{collections::HashMap, sync::Mutex};

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use super::{
    Introduction,
    names::ADMINISTRATOR,
    stage::{Answer, Audience, Call, Stage},
    verdict::{Expect, Verdicts},
};

/// Everybody but the administrator, whom the installation made.
pub(super) const MADE_UP: [&str; 3] = ["manager", "lead", "developer"];

/// Somebody who does things.
pub(super) struct Person {
    /// The name before the `@`.
    pub(super) name: &'static str,
    /// The user principal name.
    pub(super) upn: String,
    /// What the person is there.
    pub(super) job: &'static str,
    /// The object id.
    pub(super) id: String,
    password: String,
    tokens: Mutex<HashMap<Audience, String>>,
}

/// All of them.
pub(super) struct Cast {
    pub(super) administrator: Person,
    pub(super) manager: Person,
    pub(super) lead: Person,
    pub(super) developer: Person,
}

impl Cast {
    /// Everybody, for whoever wants to go on as them.
    pub(super) fn introductions(&self) -> Vec<Introduction> {
        let introduce = |person: &Person| Introduction {
            upn: person.upn.clone(),
            job: person.job,
            password: person.password.clone(),
        };
        [&self.administrator, &self.manager, &self.lead, &self.developer]
            .map(introduce)
            .into()
    }
}

impl Person {
    fn new(stage: &Stage, name: &'static str, job: &'static str) -> Self {
        let password = stage
            .passwords
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        let upn = format!("{name}@{}", stage.settings.domain);
        Self {
            name,
            upn,
            job,
            id: String::new(),
            password,
            tokens: Mutex::default(),
        }
    }

    /// Does something.
    pub(super) async fn call(
        &self,
        stage: &Stage,
        audience: Audience,
        call: &Call,
    ) -> anyhow::Result<Answer> {
        let token = self.token(stage, audience).await?;
        stage.call(&token, call).await
    }

    async fn token(&self, stage: &Stage, audience: Audience) -> anyhow::Result<String> {
        if let Some(token) = self.tokens().get(&audience) {
            return Ok(token.clone());
        }
        let token = stage.token(&self.upn, &self.password, audience).await?;
        self.tokens().insert(audience, token.clone());
        Ok(token)
    }

    fn tokens(&self) -> std::sync::MutexGuard<'_, HashMap<Audience, String>> {
        self.tokens
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Has the administrator make the accounts that are missing.
pub(super) async fn enrol(stage: &Stage, verdicts: &mut Verdicts) -> anyhow::Result<Cast> {
    let mut administrator = Person::new(stage, ADMINISTRATOR, "IT admin: Owner");
    administrator.id = find(stage, &administrator, &administrator.upn)
        .await?
        .context("the administrator is not in the directory")?;
    let mut cast = Cast {
        manager: Person::new(stage, "manager", "manager: Contributor on the hub"),
        lead: Person::new(stage, "lead", "team lead: Azure AI Developer on the hub"),
        developer: Person::new(stage, "developer", "developer: Azure AI Developer on one project"),
        administrator,
    };
    for person in [&mut cast.manager, &mut cast.lead, &mut cast.developer] {
        person.id = match find(stage, &cast.administrator, &person.upn).await? {
            Some(id) => id,
            None => create(stage, &cast.administrator, person, verdicts).await?,
        };
    }
    Ok(cast)
}

async fn find(stage: &Stage, asker: &Person, upn: &str) -> anyhow::Result<Option<String>> {
    let call = Call::get(format!(
        "/graph/v1.0/users?$filter=userPrincipalName%20eq%20'{upn}'"
    ));
    let answer = asker.call(stage, Audience::Graph, &call).await?;
    ensure!(answer.is_done(), "the directory cannot be read: {}", answer.text);
    Ok(answer.each("/id").first().map(|id| (*id).to_owned()))
}

async fn create(
    stage: &Stage,
    by: &Person,
    person: &Person,
    verdicts: &mut Verdicts,
) -> anyhow::Result<String> {
    let body = json!({
        "accountEnabled": true,
        "displayName": person.name,
        "mailNickname": person.name,
        "userPrincipalName": person.upn,
        "passwordProfile": { "password": person.password, "forceChangePasswordNextSignIn": false },
    });
    let answer = by
        .call(stage, Audience::Graph, &Call::post("/graph/v1.0/users", body))
        .await?;
    verdicts.judge(
        by,
        &format!("enrols {} ({})", person.upn, person.job),
        &answer,
        Expect::Done,
    );
    ensure!(answer.is_done(), "{} cannot be enrolled", person.upn);
    Ok(answer.member("/id").to_owned())
}
