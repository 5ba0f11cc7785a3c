//! What will not work when it is needed, on one page.

use actix_web::web::Data;
use askama::Template;

use super::page;
use crate::domain::finding::Finding;
use crate::store::finding;
use crate::web::error::Answer;
use crate::web::frame::Frame;
use crate::web::state::{State, block};

#[derive(Template)]
#[template(path = "finding/list.html")]
struct ListPage {
    frame: Frame,
    findings: Vec<Finding>,
    errors: usize,
    warnings: usize,
}

/// Lists everything that is found, errors first.
pub async fn list(state: Data<State>, frame: Frame) -> Answer {
    let store = state.store.clone();
    let findings = block(move || {
        let now = store.now()?;
        store.read(|conn| finding::all(conn, now))
    })
    .await?;
    let errors = findings.iter().filter(|finding| finding.is_error()).count();
    page(&ListPage {
        frame,
        errors,
        warnings: findings.len() - errors,
        findings,
    })
}
