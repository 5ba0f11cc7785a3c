//! Vendors and their contacts.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use serde::Serialize;

use crate::actions;
use crate::domain::VendorId;
use crate::domain::refused_address::{RefusedAddress, mark_of};
use crate::domain::vendor::{Contact, Vendor, VendorInput};
use crate::error::Result;
use crate::store::{Conn, refused_address, vendor};
use crate::web::{
    Answer, Caller, Done, IfMatch, JsonBody, Paging, State, act, act_once, read, with_etag,
};

/// A vendor as the API shows it.
#[derive(Serialize)]
struct VendorBody {
    reference: String,
    #[serde(flatten)]
    vendor: Vendor,
    contacts: Vec<ContactBody>,
}

#[derive(Serialize)]
struct ContactBody {
    #[serde(flatten)]
    contact: Contact,
    /// That a mail server refuses the address, if it does.
    refused: Option<RefusedAddress>,
}

impl VendorBody {
    fn of(conn: &mut Conn, vendor: Vendor) -> Result<Self> {
        let contacts = vendor::contacts(conn, vendor.id)?;
        let refused = marks(conn, &contacts)?;
        Ok(Self::with(vendor, contacts.iter(), &refused))
    }

    fn with<'a>(
        vendor: Vendor,
        contacts: impl Iterator<Item = &'a Contact>,
        refused: &[RefusedAddress],
    ) -> Self {
        let own = contacts.filter(|contact| contact.vendor_id == vendor.id);
        Self {
            reference: vendor.id.reference(),
            contacts: own
                .map(|contact| ContactBody {
                    refused: mark_of(refused, &contact.email).cloned(),
                    contact: contact.clone(),
                })
                .collect(),
            vendor,
        }
    }
}

fn marks(conn: &mut Conn, contacts: &[Contact]) -> Result<Vec<RefusedAddress>> {
    refused_address::of(conn, contacts.iter().map(|contact| contact.email.as_str()))
}

/// `GET /vendors`: in order of name.
pub async fn list(state: Data<State>, paging: Paging) -> Answer {
    let listing = read(&state, move |conn| {
        let after: Option<String> = paging.after()?;
        let rows = vendor::page(conn, after.as_deref(), paging.rows())?;
        let listing = paging.listing(rows, |vendor| vendor.name.clone());
        let ids: Vec<VendorId> = listing.items.iter().map(|vendor| vendor.id).collect();
        let contacts = vendor::contacts_of(conn, &ids)?;
        let refused = marks(conn, &contacts)?;
        Ok(listing.map(|vendor| VendorBody::with(vendor, contacts.iter(), &refused)))
    })
    .await?;
    Ok(HttpResponse::Ok().json(listing))
}

/// `GET /vendors/{id}`: by key or reference.
pub async fn show(state: Data<State>, key: Path<String>) -> Answer {
    let body = read(&state, move |conn| {
        let vendor = vendor::find_by_key(conn, &key)?;
        VendorBody::of(conn, vendor)
    })
    .await?;
    Ok(with_etag(body.vendor.version, &body))
}

/// `POST /vendors`.
pub async fn enter(state: Data<State>, caller: Caller, body: JsonBody) -> Answer {
    let (value, once) = body.parts();
    act_once(&state, &caller, once, move |tx| {
        let id = actions::vendor::enter(tx, &VendorInput::read(&value)?)?;
        let vendor = vendor::find(tx.conn(), id)?;
        Done::made(
            format!("/api/v1/vendors/{id}"),
            &VendorBody::of(tx.conn(), vendor)?,
        )
    })
    .await
}

/// `PUT /vendors/{id}` with `If-Match`: the whole vendor; contacts that are not named are gone.
pub async fn edit(
    state: Data<State>,
    caller: Caller,
    key: Path<String>,
    version: IfMatch,
    body: JsonBody,
) -> Answer {
    let version = version.version_of("the vendor")?;
    let body = act(&state, &caller, move |tx| {
        let id = vendor::find_by_key(tx.conn(), &key)?.id;
        actions::vendor::edit(tx, id, version, &VendorInput::read(&body.value)?)?;
        let vendor = vendor::find(tx.conn(), id)?;
        VendorBody::of(tx.conn(), vendor)
    })
    .await?;
    Ok(with_etag(body.vendor.version, &body))
}
