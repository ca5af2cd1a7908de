//! A picture as far as it is drawn: what a model that streams shows of it before it is done.

use crate::PictureBytes;
use tokio::sync::watch;

/// Takes what is to be seen of a picture meanwhile; by default nobody looks, and nothing is asked for. Clones lead to the same
/// receiver.
///
/// Each one that is asked for is billed (some 100 tokens more of the same answer), and comes unchecked.
#[derive(Clone, Debug, Default)]
pub struct Previews(Option<watch::Sender<Option<PictureBytes>>>);

impl Previews {
    /// Somebody looks, and sees the newest one.
    pub fn watched() -> (Self, watch::Receiver<Option<PictureBytes>>) {
        let (sender, receiver) = watch::channel(None);
        (Self(Some(sender)), receiver)
    }

    pub(crate) fn are_wanted(&self) -> bool {
        self.0.is_some()
    }

    /// Shows what is drawn so far.
    pub fn show(&self, picture: PictureBytes) {
        if let Some(sender) = &self.0 {
            sender.send_replace(Some(picture));
        }
    }

    /// What was drawn so far comes to nothing: nobody is to see it any more.
    pub fn take_back(&self) {
        if let Some(sender) = &self.0 {
            sender.send_replace(None);
        }
    }
}
