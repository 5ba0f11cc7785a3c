//! When each routine ran last, so that a missed run is made up for and none is made twice.

use diesel::prelude::*;

use super::{Conn, Tx};
use crate::error::Result;
use crate::per_backend;
use crate::schema::routines;
use crate::time::Moment;

/// When the routine of that name ran last.
///
/// # Errors
/// When the database does not answer.
pub fn last_run(conn: &mut Conn, name: &str) -> Result<Option<Moment>> {
    Ok(routines::table
        .find(name)
        .select(routines::last_run_at)
        .get_result(conn)
        .optional()?)
}

/// Notes that the routine ran for that moment; it only moves forward. Says whether it did: another
/// engine may have been first.
///
/// # Errors
/// When the database does not take it.
pub fn ran(tx: &mut Tx<'_>, name: &str, at: Moment) -> Result<bool> {
    let begun = per_backend!(tx.conn(), conn => diesel::insert_into(routines::table)
        .values((routines::name.eq(name), routines::last_run_at.eq(at)))
        .on_conflict_do_nothing()
        .execute(conn))?;
    if begun == 1 {
        return Ok(true);
    }
    let moved = diesel::update(
        routines::table
            .find(name)
            .filter(routines::last_run_at.lt(at)),
    )
    .set(routines::last_run_at.eq(at))
    .execute(tx.conn())?;
    Ok(moved == 1)
}

/// When each routine ran last, in order of name.
///
/// # Errors
/// When the database does not answer.
pub fn all(conn: &mut Conn) -> Result<Vec<(String, Moment)>> {
    Ok(routines::table
        .order(routines::name)
        .select((routines::name, routines::last_run_at))
        .load(conn)?)
}
