//! Realtime faults for tests: deliveries lost or overtaken on the way, sockets cut.

use parking_lot::RwLock;
use tokio::sync::watch;

use crate::chance::{Chance, Share};

/// What goes wrong on purpose; shared by the server and every socket.
#[derive(Debug)]
pub(crate) struct RealtimeFaults {
    lost_deliveries: RwLock<Share>,
    overtaken_deliveries: RwLock<Share>,
    chance: Chance,
    cut: watch::Sender<u64>,
}

impl Default for RealtimeFaults {
    fn default() -> Self {
        Self {
            lost_deliveries: RwLock::default(),
            overtaken_deliveries: RwLock::default(),
            chance: Chance::default(),
            cut: watch::Sender::new(0),
        }
    }
}

impl RealtimeFaults {
    pub(crate) fn lose(&self, share: Share) {
        *self.lost_deliveries.write() = share;
    }

    pub(crate) fn reorder(&self, share: Share) {
        *self.overtaken_deliveries.write() = share;
    }

    pub(crate) fn loses_this_one(&self) -> bool {
        self.hits(&self.lost_deliveries)
    }

    /// Whether this delivery waits until the next one has gone.
    pub(crate) fn holds_this_one(&self) -> bool {
        self.hits(&self.overtaken_deliveries)
    }

    fn hits(&self, share: &RwLock<Share>) -> bool {
        let share = *share.read();
        self.chance.hits(share)
    }

    pub(crate) fn cut_all_sockets(&self) {
        self.cut.send_modify(|cuts| *cuts += 1);
    }

    /// Changes when every socket is to be cut.
    pub(crate) fn cuts(&self) -> watch::Receiver<u64> {
        self.cut.subscribe()
    }
}
