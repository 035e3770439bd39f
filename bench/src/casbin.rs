//! The world in Casbin: an assignment is a policy of who, where and role; groups, scopes and what a role covers are
//! its three role managers.

use casbin::{CoreApi, DefaultModel, Enforcer, MemoryAdapter, MgmtApi};

use crate::world::{OPERATIONS, Question, World};

const MODEL: &str = "
[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act
[role_definition]
g = _, _
g2 = _, _
g3 = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = g(r.sub, p.sub) && g2(r.obj, p.obj) && g3(r.act, p.act)
";

pub struct Casbin {
    enforcer: Enforcer,
}

impl Casbin {
    pub fn new(world: &World) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime");
        let enforcer = runtime.block_on(load(world)).expect("an enforcer");
        Self { enforcer }
    }

    pub fn allows(&self, question: Question) -> bool {
        let request = (
            who(question.who),
            place(question.at),
            OPERATIONS[question.operation].1.to_owned(),
        );
        self.enforcer.enforce(request).expect("a decision")
    }
}

async fn load(world: &World) -> casbin::Result<Enforcer> {
    let model = DefaultModel::from_str(MODEL).await?;
    let mut enforcer = Enforcer::new(model, MemoryAdapter::default()).await?;
    let memberships = world.member_of.iter().enumerate();
    let memberships = memberships
        .flat_map(|(member, groups)| groups.iter().map(move |group| vec![who(member), who(*group)]));
    enforcer
        .add_named_grouping_policies("g", memberships.collect())
        .await?;
    let scopes = world.scopes.iter().enumerate();
    let scopes = scopes.filter_map(|(scope, about)| Some(vec![place(scope), place(about.above?)]));
    enforcer
        .add_named_grouping_policies("g2", scopes.collect())
        .await?;
    let covered = world.covered_by.iter().zip(OPERATIONS);
    let covered = covered.flat_map(|(roles, (_, operation))| {
        roles
            .iter()
            .map(move |role| vec![operation.to_owned(), role_name(*role)])
    });
    enforcer
        .add_named_grouping_policies("g3", covered.collect())
        .await?;
    let assignments = world
        .assignments
        .iter()
        .map(|one| vec![who(one.who), place(one.at), role_name(one.role)]);
    enforcer.add_policies(assignments.collect()).await?;
    Ok(enforcer)
}

fn who(who: usize) -> String {
    format!("who{who}")
}

fn place(scope: usize) -> String {
    format!("scope{scope}")
}

fn role_name(role: usize) -> String {
    format!("role{role}")
}
