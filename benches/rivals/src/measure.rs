//! What is measured: the rows of the table.

/// A row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Measure {
    /// A durable append of one message.
    Durable1,
    /// Durable appends of 16.
    Durable16,
    /// Durable appends of 256.
    Durable256,
    /// Durable appends of 64 without a pause, until background work has to keep up.
    Sustained,
    /// What half of those appends took at most.
    SustainedP50,
    /// What 99 of 100 took at most.
    SustainedP99,
    /// What 999 of 1,000 took at most.
    SustainedP999,
    /// A page at a random time of the broadcast conversation.
    PageLarge,
    /// A page at a random time of a room of some hundred messages.
    PageRoom,
    /// The last page of the broadcast conversation.
    LastLarge,
    /// The last page of a room of some hundred messages.
    LastRoom,
    /// What came after the last message: nothing.
    NothingNew,
    /// Ten thousand messages in a row.
    Long,
    /// Opening after a clean close.
    OpenClean,
    /// Opening after SIGKILL.
    OpenKilled,
    /// Resident memory of a process that opened the store and read random pages.
    Resident,
    /// The same with many more rooms.
    ResidentManyRooms,
    /// Bytes on disk a message, after loading and a clean close.
    BytesAMessage,
}

/// What a figure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// µs.
    Micros,
    /// ms.
    Millis,
    /// Messages a second, the one unit of which more is better.
    MessagesASecond,
    /// MiB.
    Mebibytes,
    /// Bytes.
    Bytes,
}

impl Unit {
    /// As it is written.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Micros => "µs",
            Self::Millis => "ms",
            Self::MessagesASecond => "messages/s",
            Self::Mebibytes => "MiB",
            Self::Bytes => "bytes",
        }
    }

    /// Whether more of it is better.
    #[must_use]
    pub fn more_is_better(self) -> bool {
        self == Self::MessagesASecond
    }
}

impl Measure {
    /// All rows, in order.
    pub const ALL: [Self; 18] = [
        Self::Durable1,
        Self::Durable16,
        Self::Durable256,
        Self::Sustained,
        Self::SustainedP50,
        Self::SustainedP99,
        Self::SustainedP999,
        Self::PageLarge,
        Self::PageRoom,
        Self::LastLarge,
        Self::LastRoom,
        Self::NothingNew,
        Self::Long,
        Self::OpenClean,
        Self::OpenKilled,
        Self::Resident,
        Self::ResidentManyRooms,
        Self::BytesAMessage,
    ];

    /// The reads, in order.
    pub const READING: [Self; 6] =
        [Self::PageLarge, Self::PageRoom, Self::LastLarge, Self::LastRoom, Self::NothingNew, Self::Long];

    /// What people call it.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Durable1 => "durable, 1 message a batch",
            Self::Durable16 => "durable, 16 a batch",
            Self::Durable256 => "durable, 256 a batch",
            Self::Sustained => "durable, 64 a batch without a pause",
            Self::SustainedP50 => "a batch of those: median",
            Self::SustainedP99 => "a batch of those: p99",
            Self::SustainedP999 => "a batch of those: p99.9",
            Self::PageLarge => "page of 100 at a random time, broadcast",
            Self::PageRoom => "page of 100 at a random time, a room",
            Self::LastLarge => "last 100 of broadcast",
            Self::LastRoom => "last 100 of a room",
            Self::NothingNew => "nothing new since",
            Self::Long => "10,000 in a row",
            Self::OpenClean => "open after a clean close",
            Self::OpenKilled => "open after a kill",
            Self::Resident => "resident after 10,000 random pages",
            Self::ResidentManyRooms => "the same with many rooms",
            Self::BytesAMessage => "on disk, a message",
        }
    }

    /// What its figures count.
    #[must_use]
    pub fn unit(self) -> Unit {
        match self {
            Self::Durable16 | Self::Durable256 | Self::Sustained => Unit::MessagesASecond,
            Self::OpenClean | Self::OpenKilled => Unit::Millis,
            Self::Resident | Self::ResidentManyRooms => Unit::Mebibytes,
            Self::BytesAMessage => Unit::Bytes,
            _ => Unit::Micros,
        }
    }

    /// Whether it is a read.
    #[must_use]
    pub fn is_reading(self) -> bool {
        Self::READING.contains(&self)
    }

    /// Whether it is a durable append.
    #[must_use]
    pub fn is_appending(self) -> bool {
        use Measure::{
            Durable1, Durable16, Durable256, Sustained, SustainedP50, SustainedP99, SustainedP999,
        };
        matches!(
            self,
            Durable1 | Durable16 | Durable256 | Sustained | SustainedP50 | SustainedP99 | SustainedP999
        )
    }
}
