//! What an attempt has paid for: entries of the usage ledger, kept until the database has them.

use crate::prices::Prices;
use domain::price::{CallKind, Quote};
use providers::CallUsage;
use std::sync::Mutex;
use store::UsageEntry;

/// The paid calls of one attempt that the database has not been told of yet. Calls of one attempt may run side by side.
#[derive(Debug, Default)]
pub(crate) struct UsageLedger(Mutex<Vec<UsageEntry>>);

impl UsageLedger {
    pub(crate) fn add(&self, entries: impl IntoIterator<Item = UsageEntry>) {
        self.0.lock().expect("no holder panics").extend(entries);
    }

    pub(crate) fn unrecorded(&self) -> Vec<UsageEntry> {
        self.0.lock().expect("no holder panics").clone()
    }

    /// Forgets what the database has now. What was paid for meanwhile stays.
    pub(crate) fn forget(&self, recorded: &[UsageEntry]) {
        let is_recorded = |entry: &UsageEntry| {
            let mut recorded = recorded.iter();
            recorded.any(|other| other.call_key == entry.call_key)
        };
        let mut entries = self.0.lock().expect("no holder panics");
        entries.retain(|entry| !is_recorded(entry));
    }
}

fn entry(billed: &CallUsage, call: CallKind, kind: &'static str, prices: &Prices) -> UsageEntry {
    let provider = billed.provider;
    // A call whose id did not arrive is still a call.
    let call_key = match billed.request_id.as_str() {
        "" => uuid::Uuid::new_v4().to_string(),
        id => format!("{provider}:{id}"),
    };
    let (input_units, output_units) = (billed.input_units, billed.output_units);
    let Quote { price, version } = prices.quote(provider, call, &billed.model);
    UsageEntry {
        call_key,
        provider,
        model: billed.model.clone(),
        kind,
        input_units,
        output_units,
        cost_usd: price.usd(input_units, output_units),
        price_version: version,
    }
}

pub(crate) fn text(billed: &CallUsage, kind: &'static str, prices: &Prices) -> UsageEntry {
    entry(billed, CallKind::Text, kind, prices)
}

pub(crate) fn picture(billed: &CallUsage, prices: &Prices) -> UsageEntry {
    entry(billed, CallKind::Picture, "picture", prices)
}

pub(crate) fn speech(billed: &CallUsage, prices: &Prices) -> UsageEntry {
    entry(billed, CallKind::Speech, "speech", prices)
}

#[cfg(test)]
mod tests {
    use super::*;
    use runtime::Variables;

    #[test]
    fn what_is_paid_for_while_a_report_is_under_way_is_kept_for_the_next() {
        let ledger = UsageLedger::default();
        let prices = Prices::from_variables(&Variables::from_pairs([])).expect("prices");
        let call = |id: &str| CallUsage {
            provider: domain::price::OPENAI,
            request_id: id.to_owned(),
            ..CallUsage::default()
        };
        ledger.add([picture(&call("first"), &prices)]);
        let reported = ledger.unrecorded();
        ledger.add([picture(&call("second"), &prices)]);
        ledger.forget(&reported);
        let left: Vec<_> = ledger
            .unrecorded()
            .into_iter()
            .map(|entry| entry.call_key)
            .collect();
        assert_eq!(left, ["openai:second"]);
    }
}
