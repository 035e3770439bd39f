//! The subdomain an account answers at: unique in the whole tenant, since it is a host name. An account that names
//! none gets one, so that every account has an endpoint of its own (client contract 5).

use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{
    Fields, Snapshot, accounts,
    declaration::{Cx, Draft},
};

const PROPERTY: &str = "/properties/customSubDomainName";

/// The subdomain for a draft: the one it names, else the one it has, else its name, else its name with an addition.
pub(super) fn choose(cx: &Cx<'_>, draft: &Draft) -> Result<String, ArmError> {
    let chosen = draft
        .existing
        .as_deref()
        .and_then(|existing| existing.sent.pointer(PROPERTY)?.as_str());
    let present = draft.existing.as_deref().map(accounts::subdomain);
    let Some(named) = Fields(&draft.body).text(PROPERTY)? else {
        return Ok(present.unwrap_or_else(|| derive(cx, draft.id.name())));
    };
    if let Some(chosen) = chosen.filter(|chosen| !chosen.is_empty() && !chosen.eq_ignore_ascii_case(named)) {
        let message = format!("The subdomain '{chosen}' of an account cannot be changed once it was chosen.");
        return Err(ArmError::new(ErrorCode::PropertyChangeNotAllowed, message).on(name_of_property()));
    }
    check(named)?;
    match taken(cx.snapshot, named, Some(&draft.id)) {
        Some(refusal) => Err(refusal),
        None => Ok(named.to_lowercase()),
    }
}

/// Refuses what is not one label of a host name.
pub(crate) fn check(name: &str) -> Result<(), ArmError> {
    let legal = (2..=63).contains(&name.len())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        && !name.starts_with('-')
        && !name.ends_with('-');
    if legal {
        return Ok(());
    }
    let shown: String = name.chars().take(80).collect();
    let message = format!(
        "The subdomain name '{shown}' is not valid: it has 2 to 63 letters, digits and hyphens, and a hyphen neither \
         first nor last."
    );
    Err(ArmError::new(ErrorCode::InvalidParameter, message).on(name_of_property()))
}

/// The refusal of a name that another account has.
pub(crate) fn taken(snapshot: &Snapshot, name: &str, by: Option<&ResourceId>) -> Option<ArmError> {
    snapshot
        .holder(&accounts::subdomain_claim(name))
        .filter(|holder| Some(&holder.id) != by)?;
    let message = format!("The subdomain name '{name}' is already used. Please pick a different name.");
    Some(ArmError::new(ErrorCode::CustomDomainInUse, message).on(name_of_property()))
}

fn derive(cx: &Cx<'_>, name: &str) -> String {
    let label: String = name
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    let label = label.trim_matches('-').chars().take(50).collect::<String>();
    if check(&label).is_ok() && taken(cx.snapshot, &label, None).is_none() {
        return label;
    }
    let addition = cx.world.new_id().simple().to_string();
    format!("{label}-{}", &addition[addition.len() - 12..])
}

fn name_of_property() -> String {
    crate::shape::dotted(PROPERTY)
}
