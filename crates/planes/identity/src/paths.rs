//! Where the token service answers, and for which tenant.
//!
//! The same endpoints are served below `/{tenant}`, `/common`, `/organizations` and below the forms that make MSAL
//! skip its list of known hosts: `/adfs`, `/adfs/{tenant}`, `/adfs/nave` and `/adfs/nave/{tenant}` (client contract
//! 1.3). The documents always name the plain form, because MSAL files cached tokens by its first segment.

use nave_engine::site::Site;
use uuid::Uuid;

use crate::refusal::Refusal;

/// The path below the origin that `az` and Terraform are told to sign in at.
const LOGIN: &str = "adfs/nave";
/// Names that stand for whichever tenant the person belongs to.
const ANY_TENANT: [&str; 2] = ["common", "organizations"];

/// The address clients are told to sign in at.
pub(crate) fn login_endpoint(site: &Site) -> String {
    format!("{}/{LOGIN}", site.origin)
}

/// The address of an endpoint, in the form that documents name.
pub(crate) fn endpoint(site: &Site, tail: &str) -> String {
    format!("{}{}", site.origin, endpoint_path(site, tail))
}

/// The same without the origin, for forms of our own pages.
pub(crate) fn endpoint_path(site: &Site, tail: &str) -> String {
    format!("/{}/{tail}", site.tenant)
}

/// The issuer of every token.
pub(crate) fn issuer(site: &Site) -> String {
    endpoint(site, "v2.0")
}

/// Whether an assertion for this audience is for this token service: an address of it in any form, or its issuer.
pub(crate) fn is_audience(site: &Site, audience: &str) -> bool {
    let below = audience
        .strip_prefix(&site.origin)
        .and_then(|rest| rest.strip_prefix('/'));
    below.is_some_and(|path| {
        let path = path.trim_end_matches('/');
        let ends = ["/oauth2/v2.0/token", "/oauth2/token", "/v2.0", ""];
        let before = ends.iter().find_map(|end| path.strip_suffix(end));
        before.is_some_and(|before| check(site, before).is_ok())
    })
}

/// The address of the page where people enter a device's code.
pub(crate) fn device_page(site: &Site) -> String {
    format!("{}/devicelogin", site.origin)
}

/// Checks what stands before an endpoint's own path.
pub(crate) fn check(site: &Site, before: &str) -> Result<(), Refusal> {
    let mut segments = before.split('/').filter(|segment| !segment.is_empty()).peekable();
    let adfs = segments
        .next_if(|segment| segment.eq_ignore_ascii_case("adfs"))
        .is_some();
    if adfs {
        segments.next_if(|segment| segment.eq_ignore_ascii_case("nave"));
    }
    match (segments.next(), segments.next()) {
        (None, None) if adfs => Ok(()),
        (Some(tenant), None) if is_ours(site, tenant) => Ok(()),
        (Some(tenant), None) => Err(Refusal::no_such_tenant(tenant)),
        _ => Err(Refusal::no_such_tenant(before)),
    }
}

fn is_ours(site: &Site, tenant: &str) -> bool {
    ANY_TENANT.iter().any(|any| any.eq_ignore_ascii_case(tenant))
        || tenant.eq_ignore_ascii_case(&site.domain)
        || Uuid::parse_str(tenant).is_ok_and(|tenant| tenant == site.tenant)
}

#[cfg(test)]
mod tests {
    use nave_engine::site::LOCATIONS;

    use super::*;

    fn site() -> Site {
        Site {
            origin: String::from("https://nave.test"),
            authority: String::from("nave.test"),
            tenant: Uuid::from_u128(7),
            tenant_name: String::from("Contoso"),
            domain: String::from("contoso.com"),
            cloud: String::from("nave"),
            locations: LOCATIONS,
        }
    }

    #[test]
    fn assertions_are_for_the_token_endpoint_in_any_form_or_for_the_issuer() {
        let ours = Uuid::from_u128(7);
        for good in [
            format!("https://nave.test/{ours}/oauth2/v2.0/token"),
            format!("https://nave.test/adfs/nave/{ours}/oauth2/v2.0/token"),
            format!("https://nave.test/{ours}/v2.0"),
            format!("https://nave.test/{ours}/"),
            String::from("https://nave.test/contoso.com/oauth2/token"),
        ] {
            assert!(is_audience(&site(), &good), "{good}");
        }
        for bad in [
            String::from("https://nave.test"),
            String::from("https://nave.test/"),
            format!("https://evil.test/{ours}/oauth2/v2.0/token"),
            format!("https://nave.test.evil.test/{ours}/v2.0"),
            format!("https://nave.test/{}/oauth2/v2.0/token", Uuid::from_u128(8)),
        ] {
            assert!(!is_audience(&site(), &bad), "{bad}");
        }
    }

    #[test]
    fn every_form_of_our_tenant_is_served_and_no_other() {
        let ours = Uuid::from_u128(7).to_string();
        for form in [
            "common",
            "organizations",
            "Contoso.com",
            "adfs",
            "ADFS/nave",
            &ours,
        ] {
            assert!(check(&site(), form).is_ok(), "{form}");
        }
        for form in [
            format!("adfs/{ours}"),
            format!("adfs/nave/{ours}"),
            String::from("adfs/nave/common"),
        ] {
            assert!(check(&site(), &form).is_ok(), "{form}");
        }
        let other = Uuid::from_u128(8).to_string();
        for form in ["", "nave", "consumers", "adfs/other", "common/common", &other] {
            assert!(check(&site(), form).is_err(), "{form}");
        }
    }
}
