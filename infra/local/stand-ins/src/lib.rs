//! Stand-ins for OpenAI, Black Forest Labs, ElevenLabs, SES and Shopify that speak the real wire and refuse what the real
//! services refuse; what they answer comes from the storyteller, which knows no wire, the same for the same
//! request. Development and tests only.

mod bfl;
mod calls;
mod config;
mod control;
mod elevenlabs;
mod fault_layer;
mod faults;
mod limiter;
mod openai;
mod refusals;
mod render_cache;
mod ses;
mod setting;
mod shopify;
pub mod storyteller;

pub use bfl::bfl_router;
pub use calls::{CallKind, CallRecord};
pub use config::{LatencyProfile, PictureReuse, StandInConfig};
pub use elevenlabs::elevenlabs_router;
pub use faults::{FaultProfile, Outcome, Scripted};
pub use limiter::{CallLimit, LimitRefusal, RetryAfter};
pub use openai::openai_router;
pub use ses::ses_router;
pub use setting::ConfigError;
pub use shopify::shopify_router;
