//! `redress demo`: the service on a throw-away database with half a year behind it.

use crate::config::Config;
use crate::demo;
use crate::engine::deliver::Sender;
use crate::hook::outlet::HookOutlet;
use crate::mail::outlet::{MemoryOutlet, Outlet};
use crate::secret::{Secret, hash_password};
use crate::store::{DatabaseUrl, Store};
use crate::time::{HandTime, TimeSource};
use anyhow::Context;

use super::{own_templates, serve};

/// Fills a database in a temporary folder and serves it until a signal comes; the folder goes then.
pub(super) fn run(config: &Config) -> anyhow::Result<()> {
    let folder = tempfile::Builder::new()
        .prefix("redress-demo-")
        .tempdir()
        .context("cannot make a temporary folder for the demonstration")?;
    let url = DatabaseUrl::Sqlite(folder.path().join("redress.db").display().to_string());
    let until = TimeSource::Machine.now();
    let hand = HandTime::at(demo::beginning(until));
    let store = Store::open(&url, TimeSource::Hand(hand.clone()))?;
    store.migrate()?;
    let password = Secret::fresh()?.reveal()[..14].to_string();
    let sender = Sender {
        outlet: Outlet::Memory(MemoryOutlet::default()),
        from: serve::sender_address(config)?,
        reply_to: None,
        public_url: config.public_url(config.listen),
        hooks: HookOutlet::AsMail,
        templates: own_templates(config)?,
    };
    println!("Half a year passes …");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let made = runtime.block_on(demo::fill(
        &store,
        &hand,
        until,
        &sender,
        hash_password(&password)?,
    ))?;
    drop(store);
    println!(
        "{} incidents, {} breaches, {} letters. Sign in with the password {} as",
        made.incidents, made.breaches, made.letters, password
    );
    for login in &made.logins {
        println!("    {:<18} {}", login.email, login.role);
    }
    let mut config = config.clone();
    config.database_url = url;
    config.data_dir = folder.path().to_path_buf();
    serve::run(&config, &serve::Args::default())
}
