//! The machine that the service runs on.

use std::sync::LazyLock;
use std::thread;

/// How many processors there are; asked once, since the answer takes reading several files.
pub fn processors() -> usize {
    static PROCESSORS: LazyLock<usize> =
        LazyLock::new(|| thread::available_parallelism().map_or(1, usize::from));
    *PROCESSORS
}
