//! The API as its callers see it: requests in, answers out, the database behind it canned.

mod bodies;
mod contract;
mod deletion;
mod framing;
mod incoming;
mod libraries;
mod lists;
mod moderation;
mod notices;
mod outages;
mod plans;
mod rates;
mod reference;
mod schemas;
mod settings;
mod shop;
mod steering;
mod stories;
mod tags;
mod voices;
mod webhooks;
