//! A throw-away database under a clock moved by hand, with everything that runs on the real one.

use anyhow::Context;
use tempfile::TempDir;

use crate::engine::deliver::Sender;
use crate::hook::outlet::HookOutlet;
use crate::mail::outlet::{MemoryOutlet, Outlet};
use crate::mail::templates::Templates;
use crate::store::{DatabaseUrl, Store};
use crate::time::{HandTime, Moment, TimeSource};

/// The database, its clock, and where its letters go: nowhere but into memory.
pub(crate) struct Ground {
    pub(crate) store: Store,
    pub(crate) hand: HandTime,
    pub(crate) outlet: MemoryOutlet,
    pub(crate) sender: Sender,
    // Dropped last: the store's connections go first.
    _folder: TempDir,
}

impl Ground {
    /// An empty database at that moment; `public_url` is where links in letters lead, and `templates` are
    /// what they are written by.
    pub(crate) fn at(
        start: Moment,
        public_url: &str,
        templates: &Templates,
    ) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("redress-simulate-")
            .tempdir()
            .context("cannot make a temporary folder for the throw-away database")?;
        let url = DatabaseUrl::Sqlite(folder.path().join("redress.db").display().to_string());
        let hand = HandTime::at(start);
        let store = Store::open(&url, TimeSource::Hand(hand.clone()))?;
        store.migrate()?;
        let outlet = MemoryOutlet::default();
        let sender = Sender {
            outlet: Outlet::Memory(outlet.clone()),
            from: "Redress <redress@example.com>"
                .parse()
                .context("the sender of simulated letters is no address")?,
            reply_to: None,
            public_url: public_url.to_string(),
            hooks: HookOutlet::AsMail,
            templates: templates.clone(),
        };
        Ok(Self {
            store,
            hand,
            outlet,
            sender,
            _folder: folder,
        })
    }
}
