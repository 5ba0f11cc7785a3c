//! Connections that are kept open between letters.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use super::connection::Connection;
use super::server::Server;
use crate::time::Stopwatch;

/// Connections kept open between letters; more than these are opened when needed and closed again.
const KEPT: usize = 8;

/// A connection that nobody needs for so long is closed; most servers would do so after five minutes.
const REST: Duration = Duration::from_secs(30);

/// A server with the connections to it that rest.
pub(super) struct Shared {
    pub(super) server: Server,
    resting: Mutex<Resting>,
}

#[derive(Default)]
struct Resting {
    /// Since when each rests, the longest first; the last is woken first, so that those that are not
    /// needed any more come to their end.
    connections: VecDeque<(Stopwatch, Connection)>,
    /// Somebody looks after the connections that have rested long enough.
    is_watched: bool,
}

impl Shared {
    pub(super) fn new(server: Server) -> Self {
        Self {
            server,
            resting: Mutex::default(),
        }
    }

    /// Takes out the one that has rested for the shortest.
    pub(super) fn wake(&self) -> Option<Connection> {
        let woken = self.resting().connections.pop_back();
        woken.map(|(_, connection)| connection)
    }

    pub(super) fn rest(self: &Arc<Self>, mut connection: Connection) {
        let mut resting = self.resting();
        if resting.connections.len() >= KEPT {
            drop(resting);
            let patience = self.server.patience;
            tokio::spawn(async move { connection.quit(patience.exchange).await });
            return;
        }
        resting
            .connections
            .push_back((Stopwatch::start(), connection));
        if !std::mem::replace(&mut resting.is_watched, true) {
            // Weak, so that an outlet nobody has any more does not live on for the rest of a rest.
            tokio::spawn(watch(Arc::downgrade(self)));
        }
    }

    fn resting(&self) -> MutexGuard<'_, Resting> {
        // Every change is one push or removal, so what a panic left behind is whole.
        self.resting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes out what has rested long enough, and says whether there is nothing to be watched any more.
    fn tired(&self) -> (Vec<Connection>, bool) {
        let mut resting = self.resting();
        let mut tired = Vec::new();
        let is_tired = |place: &mut (Stopwatch, Connection)| {
            Duration::from_micros(place.0.micros().unsigned_abs()) >= REST
        };
        while let Some((_, connection)) = resting.connections.pop_front_if(is_tired) {
            tired.push(connection);
        }
        resting.is_watched = !resting.connections.is_empty();
        (tired, !resting.is_watched)
    }
}

/// Closes connections that have rested long enough, as long as some rest.
async fn watch(outlet: Weak<Shared>) {
    loop {
        tokio::time::sleep(REST / 3).await;
        let Some(shared) = outlet.upgrade() else {
            return;
        };
        let (tired, is_over) = shared.tired();
        for mut connection in tired {
            connection.quit(shared.server.patience.exchange).await;
        }
        if is_over {
            return;
        }
    }
}
