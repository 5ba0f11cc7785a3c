//! A transaction as functions of this layer see it: its moment and its author.

use super::wall::Wall;
use super::{Conn, moment};
use crate::domain::{LetterId, PersonId};
use crate::error::Result;
use crate::time::Moment;

/// Who changes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// One of us.
    Person(PersonId),
    /// The service itself, when a moment has come.
    Engine,
    /// Whoever holds the machine, by the command line.
    Operator,
    /// Whoever opened a signed link in that letter, without an account; what was recorded says who.
    Link(LetterId),
    /// Whoever wrote a message that came in; what was recorded says who.
    Mail,
}

impl Actor {
    /// The person, if it is one.
    pub fn person(self) -> Option<PersonId> {
        match self {
            Actor::Person(id) => Some(id),
            Actor::Engine | Actor::Operator | Actor::Link(_) | Actor::Mail => None,
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Actor::Person(_) => "person",
            Actor::Engine => "engine",
            Actor::Operator => "operator",
            Actor::Link(_) => "link",
            Actor::Mail => "mail",
        }
    }
}

/// One transaction: one moment, one author, one commit.
pub struct Tx<'a> {
    conn: &'a mut Conn,
    pub(super) wall: &'a Wall,
    now: Moment,
    /// What the clock shows; later than `now` only within [`Tx::just_before`].
    clock: Moment,
    actor: Actor,
}

impl<'a> Tx<'a> {
    /// On a connection on which a transaction was begun, at the moment that the clock shows.
    pub(super) fn of(conn: &'a mut Conn, wall: &'a Wall, actor: Actor) -> Result<Self> {
        let now = wall.saw(moment(conn, &wall.source)?);
        Ok(Self {
            conn,
            wall,
            now,
            clock: now,
            actor,
        })
    }
}

impl Tx<'_> {
    /// The connection, for the functions of this layer.
    pub(crate) fn conn(&mut self) -> &mut Conn {
        self.conn
    }

    /// The moment of everything that this transaction does.
    pub fn now(&self) -> Moment {
        self.now
    }

    /// Does what the engine would have done by the last moment before this one: what time brought comes
    /// before what is recorded now.
    ///
    /// # Errors
    /// As that does.
    pub(crate) fn just_before<T>(
        &mut self,
        does: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let (now, actor) = (self.now, self.actor);
        // Where the facts have got further than the clock, one step back would lie before what they reached.
        let before = if now > self.clock { now } else { now - 1 };
        (self.now, self.actor) = (before, Actor::Engine);
        let done = does(self);
        (self.now, self.actor) = (now, actor);
        done
    }

    /// Makes what this transaction does come after what was recorded at that moment, if that is its own: a
    /// replay cannot tell which of the two was first.
    pub(crate) fn comes_after(&mut self, recorded: Moment) {
        if self.now == recorded {
            self.now = recorded + 1;
        }
    }

    /// Does that at a moment no earlier than this one, which the facts it is about have reached already: in
    /// a timeline time never runs backwards, whatever the machine's clock does.
    ///
    /// # Errors
    /// As that does.
    pub(crate) fn no_earlier<T>(
        &mut self,
        reached: Option<Moment>,
        does: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let now = self.now;
        self.not_before(reached);
        let done = does(self);
        self.now = now;
        done
    }

    /// Moves the moment of this transaction on to one that the facts it is about have reached already.
    pub(crate) fn not_before(&mut self, reached: Option<Moment>) {
        self.now = reached.map_or(self.now, |reached| self.now.max(reached));
    }

    /// What the clock shows. The moment of the transaction is later where the clock was set back.
    pub fn clock(&self) -> Moment {
        self.clock
    }

    /// When a letter for that moment may go: by the clock at once, if it has come, even where the
    /// transaction is ahead of the clock.
    pub(crate) fn goes_at(&self, not_before: Moment) -> Moment {
        if not_before <= self.now {
            self.now.min(self.clock)
        } else {
            not_before
        }
    }

    /// Who does it.
    pub fn actor(&self) -> Actor {
        self.actor
    }

    /// Reads the clock again, after a lock was waited for: the moment of a transaction is the one at
    /// which it could begin to judge.
    pub(crate) fn refresh_now(&mut self) -> Result<()> {
        self.clock = self.wall.saw(moment(self.conn, &self.wall.source)?);
        self.now = self.clock;
        Ok(())
    }
}
