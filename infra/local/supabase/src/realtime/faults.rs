//! Realtime faults for tests: deliveries lost or overtaken on the way, sockets cut.

use parking_lot::RwLock;
use tokio::sync::watch;

use crate::chance::{Chance, Share};

/// What goes wrong on purpose; shared by the server and every socket.
#[derive(Debug, Default)]
pub(crate) struct RealtimeFaults {
    /// Of the deliveries, how many are lost.
    pub(crate) lost: RwLock<Share>,
    /// How many wait until the next one has gone.
    pub(crate) overtaken: RwLock<Share>,
    chance: Chance,
    cuts: watch::Sender<u64>,
}

impl RealtimeFaults {
    /// Whether the next delivery is one of that share.
    pub(crate) fn hits(&self, share: &RwLock<Share>) -> bool {
        let share = *share.read();
        self.chance.hits(share)
    }

    pub(crate) fn cut_all_sockets(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Changes when every socket is to be cut.
    pub(crate) fn cuts(&self) -> watch::Receiver<u64> {
        self.cuts.subscribe()
    }
}
