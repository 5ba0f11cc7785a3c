//! For whoever watches over the service.

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde_json::json;

use super::error::{Answer, not_ready};
use super::state::{State, block};

/// The process lives.
pub(super) async fn alive() -> HttpResponse {
    HttpResponse::Ok().json(json!({"status": "alive"}))
}

/// Whether the service can do its work, check by check.
pub(super) async fn ready(state: Data<State>) -> Answer {
    let checks = state.checks.clone();
    let findings = block(move || Ok(checks.findings())).await?;
    let well = findings.iter().all(|finding| finding.ok);
    let body = json!({"status": if well { "ready" } else { "not ready" }, "checks": findings});
    Ok(if well {
        HttpResponse::Ok().json(body)
    } else {
        not_ready(&body)
    })
}

/// The figures, for Prometheus.
pub(super) async fn metrics(state: Data<State>) -> Answer {
    let metrics = state.metrics.clone();
    let text = block(move || Ok(metrics.text())).await?;
    Ok(HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(text))
}
