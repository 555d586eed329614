//! The bounds that an operator may set, by name.

use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use jiff::SignedDuration;
use toom_core::Limits;
use toom_net::server::{Loopback, RelayFiles, ServerLimits};

use crate::config;

/// The bounds of the server and of its engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) server: ServerLimits,
    pub(crate) engine: Limits,
}

/// One bound: what it is called, and how it is read and written.
#[derive(Debug)]
pub(crate) struct Bound {
    pub(crate) name: &'static str,
    pub(crate) set: fn(&mut Bounds, &str) -> Result<(), String>,
    pub(crate) show: fn(&Bounds) -> String,
}

/// A bound whose value lies in a field of [`Bounds`].
macro_rules! bound {
    ($name:literal, $($field:ident).+) => {
        Bound {
            name: $name,
            set: |bounds, raw| {
                bounds.$($field).+ = Value::read(raw)?;
                Ok(())
            },
            show: |bounds| bounds.$($field).+.shown(),
        }
    };
}

/// Every bound that can be set.
pub(crate) const BOUNDS: [Bound; 35] = [
    bound!("connections", server.connections_max),
    bound!("connections-per-address", server.connections_per_address_max),
    bound!("connections-per-address-per-second", server.connections_per_address.per_second),
    bound!("connections-per-address-burst", server.connections_per_address.burst),
    bound!("strangers-per-address", server.strangers_per_address_max),
    bound!("loopback", server.loopback),
    bound!("login-time", server.login_time),
    bound!("idle-time", server.idle_time),
    bound!("early-long-lines", server.early_long_lines_max),
    bound!("requests-in-flight", server.requests_in_flight_max),
    bound!("outbox-bytes", server.outbox_bytes_max),
    bound!("posts-per-second", server.posts.per_second),
    bound!("posts-burst", server.posts.burst),
    bound!("password-checks", server.password_checks_at_once),
    bound!("password-checks-waiting", server.password_checks_waiting_max),
    bound!("handshakes", server.handshakes_at_once),
    bound!("transfers-per-session", server.transfers_per_session_max),
    bound!("offer-time", server.offer_time),
    bound!("relay-files", server.relay_files),
    bound!("relays", server.relays_max),
    bound!("relay-bytes-per-second", server.relay_bytes_per_second),
    bound!("relay-time", server.relay_time),
    bound!("source-failures", engine.source_failures_max),
    bound!("source-refill", engine.source_refill),
    bound!("check-timeout", engine.check_timeout),
    bound!("familiar-sources", engine.familiar_sources_max),
    bound!("familiar-for", engine.familiar_for),
    bound!("sessions", engine.sessions_max),
    bound!("sessions-per-account", engine.sessions_per_account_max),
    bound!("body-bytes", engine.body_bytes_max),
    bound!("members", engine.members_max),
    bound!("rooms-per-user", engine.rooms_per_user_max),
    bound!("page-messages", engine.page_messages_max),
    bound!("page-bytes", engine.page_bytes_max),
    bound!("closing-time", server.closing_time),
];

/// What a bound can be.
trait Value: Sized {
    fn read(raw: &str) -> Result<Self, String>;
    fn shown(&self) -> String;
}

macro_rules! number {
    ($($kind:ty: $what:literal),+) => {
        $(impl Value for $kind {
            fn read(raw: &str) -> Result<Self, String> {
                raw.parse().map_err(|_| concat!($what, " is expected").to_owned())
            }

            fn shown(&self) -> String {
                self.to_string()
            }
        })+
    };
}

number!(
    usize: "a number", u32: "a number up to 4294967295",
    NonZeroUsize: "a number from 1", NonZeroU32: "a number from 1 to 4294967295"
);

impl Value for Duration {
    fn read(raw: &str) -> Result<Self, String> {
        let parsed = raw.parse::<SignedDuration>().ok().and_then(|time| Self::try_from(time).ok());
        parsed
            .filter(|time| *time > Self::ZERO)
            .ok_or_else(|| "a duration is expected, such as 10s, 2m or 500ms".to_owned())
    }

    fn shown(&self) -> String {
        SignedDuration::try_from(*self)
            .map_or_else(|_| format!("{}s", self.as_secs()), |time| format!("{time:#}"))
    }
}

impl Value for Loopback {
    fn read(raw: &str) -> Result<Self, String> {
        match raw {
            "exempt" => Ok(Self::Exempt),
            "counted" => Ok(Self::Counted),
            _ => Err("`exempt` or `counted` is expected".to_owned()),
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::Exempt => "exempt",
            Self::Counted => "counted",
        }
        .to_owned()
    }
}

impl Value for RelayFiles {
    fn read(raw: &str) -> Result<Self, String> {
        match raw {
            "on" => Ok(Self::On),
            "off" => Ok(Self::Off),
            _ => Err("`on` or `off` is expected".to_owned()),
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::On => "on",
            Self::Off => "off",
        }
        .to_owned()
    }
}

/// The bound of that name.
fn find(name: &str) -> Result<&'static Bound, String> {
    let found = BOUNDS.iter().find(|bound| bound.name == name);
    found.ok_or_else(|| config::unknown("limit", name, BOUNDS.iter().map(|bound| bound.name)))
}

/// One `--limit NAME=VALUE`.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    bound: &'static Bound,
    value: String,
}

impl Setting {
    /// Reads `NAME=VALUE`.
    pub(crate) fn parse(raw: &str) -> Result<Self, String> {
        let (name, value) = raw.split_once('=').ok_or("the form is NAME=VALUE")?;
        Self::new(name, value)
    }

    /// The bound `name`, if there is one and it can be `value`.
    pub(crate) fn new(name: &str, value: &str) -> Result<Self, String> {
        let bound = find(name)?;
        (bound.set)(&mut Bounds::default(), value).map_err(|problem| format!("{name}: {problem}"))?;
        Ok(Self { bound, value: value.to_owned() })
    }

    pub(crate) fn name(&self) -> &'static str {
        self.bound.name
    }
}

impl Bounds {
    /// The defaults, but for `settings`; of two for the same bound the later one counts.
    pub(crate) fn with(settings: &[Setting]) -> Self {
        let mut bounds = Self::default();
        for Setting { bound, value } in settings {
            (bound.set)(&mut bounds, value).expect("it was set on other bounds before");
        }
        bounds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bound_reads_what_it_shows_and_has_a_name_of_its_own() {
        let mut names = std::collections::BTreeSet::new();
        for bound in &BOUNDS {
            assert!(names.insert(bound.name), "{} is there twice", bound.name);
            let shown = (bound.show)(&Bounds::default());
            let mut bounds = Bounds::default();
            (bound.set)(&mut bounds, &shown).unwrap();
            assert_eq!(bounds, Bounds::default(), "{}: {shown}", bound.name);
        }
    }

    #[test]
    fn a_setting_changes_its_own_bound_alone() {
        for (place, bound) in BOUNDS.iter().enumerate() {
            let other = ["7", "7s", "counted", "off"]
                .into_iter()
                .find(|raw| Setting::parse(&format!("{}={raw}", bound.name)).is_ok());
            let bounds =
                Bounds::with(&[Setting::parse(&format!("{}={}", bound.name, other.unwrap())).unwrap()]);
            for (at, any) in BOUNDS.iter().enumerate() {
                let changed = (any.show)(&bounds) != (any.show)(&Bounds::default());
                assert_eq!(changed, at == place, "{} and {}", bound.name, any.name);
            }
        }
    }

    #[test]
    fn what_is_no_setting_is_told_with_what_is() {
        for (raw, told) in [
            ("posts", "the form is NAME=VALUE"),
            ("post-per-second=1", "there is no limit `post-per-second`; `posts-per-second` is one"),
            ("xyz=1", "there is no limit `xyz`; `toomd config` shows all"),
            ("connections=many", "connections: a number is expected"),
            ("password-checks=0", "password-checks: a number from 1"),
            ("idle-time=0s", "idle-time: a duration is expected"),
            ("loopback=yes", "loopback: `exempt` or `counted`"),
            ("relay-files=false", "relay-files: `on` or `off`"),
        ] {
            let error = Setting::parse(raw).unwrap_err();
            assert!(error.starts_with(told), "{raw}: {error}");
        }
    }
}
