//! Moving resources to another resource group, in this subscription or another.
//!
//! A move changes ids and nothing else. In one commit every row at or below what moves is written under its new id, as it
//! was (children, roles, other extensions, what is kept in the store alone), its secrets sealed anew, its unique names
//! kept, its creation remembered; and every other row that names what moves by its id names it where it is now
//! ([`rename`]). So a hub finds its storage account again, and an identity what it belongs to.
//!
//! What would not survive it does not move, and says why: a type in its declaration ([`Movable`]), a resource by
//! [`ResourceType::stays`]. All reasons are told at once. Policies of the new place judge what comes, and locks at both
//! places hold, as always in a commit: leaving is a deletion, arriving a write.

mod rename;

use std::{collections::BTreeSet, sync::Arc};

use nave_arm::{ArmError, Detail, ErrorCode, ResourceId};
use nave_store::{Expect, Guard};
use nave_vault::Purpose;
use uuid::Uuid;

use self::rename::Renames;
use crate::{
    Act, Change, CommitError, Engine, Erase, Grant, Put, PutSecrets, Resource, Snapshot,
    change::MovedFrom,
    declaration::{Cx, Draft, Movable, Placement, ResourceType},
    locks::LOCKS,
    missing::not_found,
    policy::{self, AsAsked},
    secrets,
};

/// The most resources of one move (rest-surface 3.6).
pub const MOST: usize = 800;

/// What of a request's records names resources where they were when it was made, and goes on doing so.
const RECORDS: [&str; 3] = [
    "microsoft.resources/deployments",
    "microsoft.policyinsights/",
    "nave.",
];

/// A wish to move.
#[derive(Debug, Clone)]
pub struct Relocation {
    /// The group they are in.
    pub from: ResourceId,
    /// The resources, each directly in the group.
    pub resources: Vec<ResourceId>,
    /// The group they shall be in.
    pub to: ResourceId,
    /// Whether it is only tried out.
    pub rehearsed: bool,
}

impl Relocation {
    /// Ids are kept as they were first written, however a request spells them.
    fn spelled_as_stored(&self, snapshot: &Snapshot) -> Self {
        let stored = |id: &ResourceId| snapshot.get(id).map_or_else(|| id.clone(), |row| row.id.clone());
        Self {
            from: stored(&self.from),
            resources: self.resources.iter().map(stored).collect(),
            to: stored(&self.to),
            rehearsed: self.rehearsed,
        }
    }
}

impl Engine {
    /// Moves resources for the holder of a grant for their group, all or none.
    ///
    /// # Errors
    /// `ResourceMoveProviderValidationFailed` with every reason, `ResourceMovePolicyValidationFailed` with what policies
    /// say, `ScopeLocked`; and what any write may meet.
    pub async fn relocate(
        self: &Arc<Self>,
        grant: &Grant<Act>,
        wish: &Relocation,
        correlation_id: Uuid,
    ) -> Result<(), ArmError> {
        self.again(|| self.try_to_relocate(grant, wish, correlation_id))
            .await
    }

    async fn try_to_relocate(
        self: &Arc<Self>,
        grant: &Grant<Act>,
        wish: &Relocation,
        correlation_id: Uuid,
    ) -> Result<(), CommitError> {
        let snapshot = self.snapshot();
        if snapshot.get(&wish.to).is_none() {
            return Err(not_found(&wish.to).into());
        }
        let wish = &wish.spelled_as_stored(&snapshot);
        let journey = Journey {
            engine: self,
            cx: self.cx(&snapshot, grant.caller()),
            wish,
            renames: Renames::of(&wish.resources, &wish.to),
        };
        journey.check()?;
        let change = journey.change().await?;
        if !wish.rehearsed {
            self.commit_for(grant, change, correlation_id).await?;
            return Ok(());
        }
        // who asks in earnest is told what is locked, and so it is recorded
        let change = change.settled();
        self.check_locks(grant, &change, correlation_id).await?;
        self.rehearsal().commit_for(grant, change, correlation_id).await?;
        Ok(())
    }
}

/// A move that is worked out.
struct Journey<'a> {
    engine: &'a Engine,
    cx: Cx<'a>,
    wish: &'a Relocation,
    renames: Renames,
}

impl Journey<'_> {
    /// Refuses what cannot move, for all reasons there are.
    fn check(&self) -> Result<(), ArmError> {
        let mut reasons = Vec::new();
        let mut is_unsettled = false;
        for id in &self.wish.resources {
            match self.cx.snapshot.get(id) {
                None => reasons.push(Detail::from(not_found(id))),
                Some(resource) => {
                    let state = resource.text("/properties/provisioningState");
                    is_unsettled |= state.is_some_and(|state| state != "Succeeded");
                    reasons.extend(self.against(resource));
                }
            }
        }
        if is_unsettled {
            return Err(ArmError::new(
                ErrorCode::MoveResourcesHasInvalidState,
                "Resources move when their provisioning has succeeded, and that of at least one has not.",
            ));
        }
        if reasons.is_empty() {
            return Ok(());
        }
        let message =
            "Resource move validation failed. Nothing was moved; the details say what stands in the way.";
        Err(ArmError::new(ErrorCode::ResourceMoveProviderValidationFailed, message).because(reasons))
    }

    /// Why one resource cannot move.
    fn against(&self, resource: &Resource) -> Option<Detail> {
        let kind = self.kind(&resource.id)?;
        let declaration = kind.declaration();
        let not_movable = |why: &str| {
            let message = format!("'{}' cannot be moved: {why}.", resource.id);
            let mut detail = Detail::new("ResourceMoveNotSupported", message);
            detail.target = Some(resource.id.as_str().to_owned());
            Some(detail)
        };
        if declaration.placement != Placement::ResourceGroup {
            return not_movable("it moves with what it belongs to, and not by itself");
        }
        if let Movable::No(why) = declaration.movable {
            return not_movable(why);
        }
        if let Some(why) = kind.stays(&self.cx, resource) {
            return not_movable(&why);
        }
        let there = self.renames.moved(&resource.id);
        let is_taken = there.is_some_and(|there| self.cx.snapshot.get(&there).is_some());
        is_taken
            .then(|| not_movable("the target has a resource of this type and name"))
            .flatten()
    }

    fn kind(&self, id: &ResourceId) -> Option<Arc<dyn ResourceType>> {
        self.engine.registry().resource_type(&id.resource_type()).cloned()
    }

    async fn change(&self) -> Result<Change, ArmError> {
        let mut change = Change::default();
        let mut moved = BTreeSet::new();
        for head in &self.wish.resources {
            for row in self.rows(head).await? {
                moved.insert(row.id.clone());
                self.take_along(&row, &mut change)?;
            }
            change.guards.push(Guard::Gone {
                under: head.key().to_owned(),
            });
        }
        self.judge(&mut change)?;
        self.follow(&moved, &mut change);
        change.guards.push(Guard::Present {
            key: self.wish.to.key().to_owned(),
        });
        change.guards.push(Guard::Unchanged {
            type_key: LOCKS.to_lowercase(),
            under: ResourceId::tenant().key().to_owned(),
            since: self.cx.snapshot.revision(),
        });
        Ok(change)
    }

    /// A resource and everything below it, wherever its rows are kept.
    async fn rows(&self, head: &ResourceId) -> Result<Vec<Arc<Resource>>, ArmError> {
        let snapshot: &Snapshot = self.cx.snapshot;
        let mut rows: Vec<Arc<Resource>> = snapshot.get(head).into_iter().cloned().collect();
        rows.extend(snapshot.below(head).cloned());
        let stored = self.engine.stored_below(head).await?;
        let only_stored = stored
            .iter()
            .filter(|row| !self.engine.registry().resident(&row.type_key))
            .filter_map(Resource::from_row);
        rows.extend(only_stored.map(Arc::new));
        Ok(rows)
    }

    /// One row under its new id.
    fn take_along(&self, row: &Resource, change: &mut Change) -> Result<(), ArmError> {
        let Some(there) = self.renames.moved(&row.id) else {
            return Ok(());
        };
        let (mut sent, mut own) = (row.sent.clone(), row.own.clone());
        self.renames.apply(&mut sent);
        self.renames.apply(&mut own);
        change.moved.insert(
            there.clone(),
            MovedFrom {
                id: row.id.clone(),
                history: row.history.clone(),
            },
        );
        change.puts.push(Put {
            secrets: self.sealed_anew(row)?,
            claims: row
                .claims
                .iter()
                .map(|claim| self.renames.in_claim(claim))
                .collect(),
            id: there,
            sent,
            own,
            expect: Expect::Absent,
        });
        change.erases.push(Erase::of(row));
        Ok(())
    }

    /// What is sealed is bound to its row's key, so it is opened and sealed under the new one.
    fn sealed_anew(&self, row: &Resource) -> Result<PutSecrets, ArmError> {
        if row.sealed.is_none() {
            return Ok(PutSecrets::Sealed(None));
        }
        let opened = secrets::open(self.engine.vault(), row).ok_or_else(|| {
            ArmError::new(
                ErrorCode::InternalServerError,
                format!(
                    "The secrets of '{}' could not be decrypted, so nothing was moved; the server's log has the cause.",
                    row.id
                ),
            )
        })?;
        Ok(PutSecrets::Plain(opened.expose(&Purpose::Seal).clone()))
    }

    /// Lets the policies of the new place judge what comes.
    fn judge(&self, change: &mut Change) -> Result<(), ArmError> {
        let mut against = Vec::new();
        for put in &mut change.puts {
            let Some(kind) = self.kind(&put.id) else { continue };
            let mut draft = Draft {
                id: put.id.clone(),
                body: put.sent.clone(),
                existing: None,
            };
            match policy::govern(self.engine, &self.cx, &*kind, &mut draft, &AsAsked::default()) {
                Ok(notes) => {
                    put.sent = draft.body;
                    change.policies.extend(notes);
                }
                Err(denial) => against.push(Detail::from(denial)),
            }
        }
        if against.is_empty() {
            return Ok(());
        }
        let message = "Resource move policy validation failed. Nothing was moved; the details say which policies of the \
                       target are against it.";
        Err(ArmError::new(ErrorCode::ResourceMovePolicyValidationFailed, message).because(against))
    }

    /// Every other row that names what moves.
    fn follow(&self, moved: &BTreeSet<ResourceId>, change: &mut Change) {
        for row in self.cx.snapshot.below(&ResourceId::tenant()) {
            if moved.contains(&row.id) || is_record(&row.id) {
                continue;
            }
            let (mut sent, mut own) = (row.sent.clone(), row.own.clone());
            let names = [self.renames.apply(&mut sent), self.renames.apply(&mut own)];
            if !names.contains(&true) {
                continue;
            }
            change.puts.push(Put {
                id: row.id.clone(),
                sent,
                own,
                secrets: PutSecrets::Sealed(row.sealed.as_deref().map(<[u8]>::to_vec)),
                claims: row.claims.clone(),
                expect: Expect::Etag(row.etag.clone()),
            });
        }
    }
}

fn is_record(id: &ResourceId) -> bool {
    let kind = id.resource_type().to_lowercase();
    RECORDS.iter().any(|record| kind.starts_with(record))
}
