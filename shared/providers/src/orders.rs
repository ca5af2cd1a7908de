//! Pictures that were ordered and not fetched yet: each is paid for, so it is asked after before another one is ordered.

use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use url::Url;

/// An order that a provider took, of which nobody knows yet what became.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OpenOrder {
    /// As it is named in the price list.
    pub provider: String,
    pub model: String,
    /// Digest of all that was ordered.
    pub request: String,
    /// Where to ask after it.
    pub polling_url: Url,
}

/// The open orders of one picture, kept as a list of them; clones share it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(from = "Vec<OpenOrder>", into = "Vec<OpenOrder>")]
pub struct OpenOrders(Arc<Mutex<Vec<OpenOrder>>>);

impl From<Vec<OpenOrder>> for OpenOrders {
    fn from(orders: Vec<OpenOrder>) -> Self {
        Self(Arc::new(Mutex::new(orders)))
    }
}

impl From<OpenOrders> for Vec<OpenOrder> {
    fn from(orders: OpenOrders) -> Self {
        orders.lock().clone()
    }
}

impl OpenOrders {
    pub fn are_none(&self) -> bool {
        self.lock().is_empty()
    }

    /// Whether a provider still owes a picture, by its name in the price list.
    pub fn are_open_at(&self, provider: &str) -> bool {
        self.lock().iter().any(|order| order.provider == provider)
    }

    pub(crate) fn find(&self, provider: &str, model: &str, request: &str) -> Option<OpenOrder> {
        let orders = self.lock();
        let mut orders = orders.iter();
        let found = orders.find(|order| {
            order.provider == provider && order.model == model && order.request == request
        });
        found.cloned()
    }

    pub(crate) fn add(&self, order: OpenOrder) {
        self.lock().push(order);
    }

    /// It is known what became of the order.
    pub(crate) fn close(&self, closed: &OpenOrder) {
        self.lock().retain(|order| order != closed);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<OpenOrder>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
