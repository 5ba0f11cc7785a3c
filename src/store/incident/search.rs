//! Lists of incidents.

use crate::store::among::AmongValues;
use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::sql_types::Text;

use crate::domain::incident::{Case, IncidentState};
use crate::domain::{ContractId, IncidentId, VendorId};
use crate::error::Result;
use crate::schema::{cases, contracts, incidents};
use crate::store::Conn;
use crate::time::Moment;

diesel::define_sql_function! {
    /// A text in small letters.
    fn lower(text: Text) -> Text;
}

/// An incident as a list shows it.
#[derive(Clone, Debug, diesel::Queryable)]
pub struct IncidentLine {
    /// Key.
    pub id: IncidentId,
    /// What it is, in a line.
    pub title: String,
    /// How it stands.
    pub state: IncidentState,
    /// Whether it is practice.
    pub drill: bool,
    /// When the first vendor was told.
    pub reported_at: Moment,
}

/// Which incidents are looked for.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// Those that stand so.
    pub state: Option<IncidentState>,
    /// Those with a case of this vendor.
    pub vendor: Option<VendorId>,
    /// Those with a case of this contract.
    pub contract: Option<ContractId>,
    /// Those with this in the title, or as their reference, or in the vendor's reference.
    pub text: String,
    /// Those below this key.
    pub before: Option<IncidentId>,
}

/// Incidents, newest first.
///
/// # Errors
/// When the database does not answer.
pub fn list(conn: &mut Conn, search: &Search, limit: i64) -> Result<Vec<IncidentLine>> {
    let columns = (
        incidents::id,
        incidents::title,
        incidents::state,
        incidents::drill,
        incidents::reported_at,
    );
    let mut query = incidents::table
        .select(columns)
        .order(incidents::id.desc())
        .limit(limit)
        .into_boxed();
    if let Some(state) = search.state {
        query = query.filter(incidents::state.eq(state));
    }
    if let Some(before) = search.before {
        query = query.filter(incidents::id.lt(before));
    }
    if let Some(contract) = search.contract {
        let of = cases::table
            .filter(cases::incident_id.eq(incidents::id))
            .filter(cases::contract_id.eq(contract));
        query = query.filter(exists(of));
    }
    if let Some(vendor) = search.vendor {
        let of = cases::table
            .inner_join(contracts::table)
            .filter(cases::incident_id.eq(incidents::id))
            .filter(contracts::vendor_id.eq(vendor));
        query = query.filter(exists(of));
    }
    let text = search.text.trim();
    if !text.is_empty() {
        let pattern = format!("%{}%", escaped(&text.to_lowercase()));
        let of = cases::table
            .filter(cases::incident_id.eq(incidents::id))
            .filter(
                lower(cases::vendor_reference)
                    .like(pattern.clone())
                    .escape('!'),
            );
        let number = text.to_uppercase();
        let number = number.strip_prefix("INC-").unwrap_or(&number);
        let key = IncidentId::parse(&format!("INC-{number}")).unwrap_or_default();
        query = query.filter(
            lower(incidents::title)
                .like(pattern)
                .escape('!')
                .or(incidents::id.eq(key))
                .or(exists(of)),
        );
    }
    Ok(query.load(conn)?)
}

/// What people type is no pattern.
fn escaped(text: &str) -> String {
    text.replace('!', "!!")
        .replace('%', "!%")
        .replace('_', "!_")
}

/// The cases of several incidents, in the order they were opened.
///
/// # Errors
/// When the database does not answer.
pub fn cases_of(conn: &mut Conn, incidents: &[IncidentId]) -> Result<Vec<Case>> {
    Ok(cases::table
        .filter(cases::incident_id.among(incidents))
        .order(cases::id)
        .select(Case::as_select())
        .load(conn)?)
}
