//! `redress serve`: pages, API and engine in one process, until it is told to stop.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use lettre::message::Mailbox;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{open, own_templates};
use crate::actions;
use crate::config::{Config, WrongSetting};
use crate::engine;
use crate::engine::deliver::Sender;
use crate::engine::heartbeat::{self, Heart};
use crate::hook::outlet::HookOutlet;
use crate::mail::mailbox;
use crate::mail::outlet::{Outlet, Patience, SmtpOutlet};
use crate::mail::templates::Templates;
use crate::postbox::{Postbox, Standing};
use crate::secret::Secret;
use crate::store::{Actor, Store};
use crate::time::{TimeSource, ZONE_DATA};
use crate::web::{self, State};

/// How the service is run.
#[derive(clap::Args, Default)]
pub struct Args {
    /// Leave the database as it is; fails when it has another version
    #[arg(long)]
    no_migrate: bool,
}

/// Runs the service until SIGTERM or SIGINT.
pub(super) fn run(config: &Config, args: &Args) -> anyhow::Result<()> {
    tracing::info!(?config, "starting");
    let templates = own_templates(config)?;
    let store = if args.no_migrate {
        let store = Store::open(&config.database_url, TimeSource::Machine)?;
        anyhow::ensure!(
            !store.needs_migration()?,
            "the database has another version; run redress migrate, or start without --no-migrate"
        );
        store
    } else {
        open(config)?
    };
    let listener = TcpListener::bind(config.listen).with_context(|| {
        format!(
            "cannot listen on {}; choose another address by --listen or REDRESS_LISTEN",
            config.listen
        )
    })?;
    let public_url = config.public_url(listener.local_addr()?);
    compare_zone_data(&store)?;
    offer_link(&store, &public_url)?;
    let sender = sender(config, &public_url, templates)?;
    let heart = config.heartbeat_url.clone().map(Heart::new);
    let postbox = config.mailbox.clone().map(|address| Postbox {
        address,
        authorities: config.smtp_authorities.clone(),
        patience: mailbox::Patience::default(),
        reception: config.reception.clone(),
        standing: Standing::default(),
    });
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let ended = runtime.block_on(serve(store, sender, heart, postbox, listener));
    // A thread that waits for a dead connection must not keep the process.
    runtime.shutdown_timeout(LAST_WAIT);
    ended
}

/// How long threads that are still at work are waited for when all else has ended.
const LAST_WAIT: Duration = Duration::from_secs(5);

/// Before anything is judged: what new zone data does to the calendars.
fn compare_zone_data(store: &Store) -> anyhow::Result<()> {
    let compared = actions::calendar::compare_zone_data(store)?;
    if compared != actions::calendar::ZoneDataCompared::default() {
        tracing::info!(
            zone_data = ZONE_DATA,
            same = compared.same,
            kept = compared.kept,
            revised = compared.revised,
            "calendars were compared with the zone data of this build"
        );
    }
    Ok(())
}

/// By which way letters leave: the mail server, or files while there is none.
fn sender(config: &Config, public_url: &str, templates: Templates) -> anyhow::Result<Sender> {
    let outlet = match &config.smtp_url {
        Some(url) => {
            let trusted = &config.smtp_authorities;
            let server = SmtpOutlet::from_url_trusting(url.as_str(), trusted, Patience::default());
            let server = server.map_err(|reason| WrongSetting {
                setting: "smtp_url".to_string(),
                reason,
            })?;
            Outlet::Smtp(server.limited_to(config.mail_limits))
        }
        None => Outlet::Folder(config.mail_folder()),
    };
    Ok(Sender {
        outlet,
        from: sender_address(config)?,
        reply_to: config.reception.reply_to.clone(),
        public_url: public_url.to_string(),
        hooks: HookOutlet::http(config.webhook_allow.clone()),
        templates,
    })
}

/// Whom letters come from.
pub(super) fn sender_address(config: &Config) -> Result<Mailbox, WrongSetting> {
    config.mail_from.parse().map_err(|error| WrongSetting {
        setting: "mail_from".to_string(),
        reason: format!(
            "\"{}\" is not a sender ({error}); write it like Redress <redress@example.com>",
            config.mail_from
        ),
    })
}

/// Answers requests and does what is due until a signal comes; then finishes the requests that were
/// begun, and only then stops the work behind them.
async fn serve(
    store: Store,
    sender: Sender,
    heart: Option<Heart>,
    postbox: Option<Postbox>,
    listener: TcpListener,
) -> anyhow::Result<()> {
    let public_url = sender.public_url.clone();
    let mut state = State::new(store.clone(), &public_url);
    state.hooks = sender.hooks.clone();
    state.hooks.show(&state.metrics);
    state.templates = sender.templates.clone();
    state.templates.show(&state.metrics);
    let (stop, stopped) = watch::channel(false);
    let mut tasks: JoinSet<anyhow::Result<()>> = JoinSet::new();
    let health = Arc::clone(&state.health);
    engine::show(&state.metrics, &store, &health);
    if let Some(postbox) = postbox {
        postbox.standing.show(&state.metrics);
        postbox.start(store.clone(), stopped.clone())?;
    }
    if let Some(heart) = heart {
        let (store, health) = (store.clone(), Arc::clone(&health));
        tasks.spawn(heartbeat::run(heart, store, health, stopped.clone()));
    }
    tasks.spawn(async move {
        engine::run(store, Arc::new(sender), health, stopped).await;
        Ok(())
    });
    let server = web::start(state, listener)?;
    tracing::info!(address = %server.address, public_url, "listening");
    println!("Redress listens on {public_url}");
    let ended = tokio::select! {
        signal = told_to_stop() => {
            tracing::info!(signal = signal?, "stopping");
            Ok(())
        }
        // A part of the service that gives up must not leave the rest behind as if all were well.
        Some(task) = tasks.join_next() => task.map_err(anyhow::Error::from).flatten(),
    };
    server.stop().await?;
    // Nobody listening means that there is nothing to stop.
    let _ = stop.send(true);
    while let Some(task) = tasks.join_next().await {
        task??;
    }
    tracing::info!("stopped");
    ended
}

async fn told_to_stop() -> std::io::Result<&'static str> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    })
}

/// While there is nobody yet, prints a link by which the first administrator is made.
fn offer_link(store: &Store, public_url: &str) -> anyhow::Result<()> {
    let secret = Secret::fresh()?;
    let hash = secret.hash();
    let offered = store.write(Actor::Operator, move |tx| {
        actions::session::offer_link(tx, &hash)
    })?;
    if offered {
        println!(
            "Nobody is here yet. Make the first administrator within 24 hours at\n\n    {public_url}/setup/{}\n",
            secret.reveal()
        );
    }
    Ok(())
}
