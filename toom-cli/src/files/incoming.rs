//! A file that somebody offers to the user.

use core::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep_until};
use toom_core::UserName;
use toom_files::{Connection, Expected, Fingerprint, Offer, ReceiveError, Room, Ticket};
use toom_net::client::CallError;
use toom_net::protocol::{FileOffer, NameWord, TransferId};

use super::desk::Told;
use super::fault::Fault;
use super::job::{Job, Needs};
use super::{Answer, Done, Ending, Over, Stage, Taking, What, marks};

/// How long a sender who was told yes may take to come.
const COMING: Duration = Duration::from_mins(1);

/// Asks the user, if that is wanted, and receives the file.
pub(super) async fn run(mut job: Job, id: TransferId, user: NameWord, file: FileOffer) {
    let offer = Offer {
        from: user.as_str().to_owned(),
        name: file.name.as_str().to_owned(),
        bytes: file.bytes,
        hash: marks::hash(&file.hash),
    };
    let ended = receive(&mut job, id, &offer, marks::fingerprint(&file.fingerprint)).await;
    job.close(ended.map_err(Over::from)).await;
}

async fn receive(job: &mut Job, id: TransferId, offer: &Offer, sender: Fingerprint) -> Result<Done, Fault> {
    let room = look(job, offer).await?;
    decide(job, offer, room).await?;
    let began = Instant::now();
    let endpoint = job.endpoint()?;
    let ticket = Ticket::fresh();
    let expected = endpoint.expect(ticket, sender);
    job.waits(Some(Stage::Connecting));
    let own = marks::fingerprint_word(endpoint.fingerprint());
    job.client().accept_file(id, own, marks::ticket_word(ticket)).await.map_err(no_more)?;
    job.say(What::Accepted).await;
    let (needs, came) = match come(job, offer, expected).await? {
        Came::Straight(connection) => (Needs::Nothing, Ok(connection)),
        Came::Relayed => {
            let pipe = job.client().relay_pipe(id);
            job.relayed().await;
            (Needs::Server, Err(pipe))
        }
    };
    let (inbox, transfer) = (job.inbox(), job.transfer.clone());
    let work = async {
        let connection = match came {
            Ok(connection) => connection,
            Err(pipe) => endpoint.accept_over(pipe, sender, ticket).await?,
        };
        Ok(inbox.receive(offer, connection, &transfer).await?)
    };
    let received = job.during(&offer.from, needs, work).await?;
    // The sender knows it from us. Where the session has ended, the server has no interest in it.
    let _ = job.client().file_done(id).await;
    Ok(Done { took: began.elapsed(), bytes_resumed: received.bytes_resumed, path: Some(received.path) })
}

/// Whether the file could be taken at all. The sender is told no more than they need.
async fn look(job: &mut Job, offer: &Offer) -> Result<Room, Over> {
    let wanted = match job.taking() {
        Taking::Ask => true,
        Taking::Never => false,
        Taking::From(users) => UserName::parse(&offer.from).is_ok_and(|from| users.contains(&from)),
    };
    if !wanted {
        return Err(Over::new(Ending::Refused, "files are not taken from everybody"));
    }
    let (inbox, looked) = (job.inbox(), offer.clone());
    let room = spawn_blocking(move || inbox.check(&looked)).await.map_err(|error| Over::failed(&error))?;
    room.map_err(|error| {
        job.word = Some(match error {
            ReceiveError::TooLarge { .. } => "it is larger than what is taken there",
            ReceiveError::NoSpace { .. } => "there is no space for it there",
            _ => "it cannot be taken there now",
        });
        Over::new(Ending::Refused, error.to_string())
    })
}

/// The server does not take the yes any more.
fn no_more(error: CallError) -> Over {
    let Over { why, .. } = Fault::from(error).into();
    Over::failed(&why)
}

/// Asks the user, where that is wanted.
async fn decide(job: &mut Job, offer: &Offer, room: Room) -> Result<(), Over> {
    if *job.taking() != Taking::Ask {
        return Ok(());
    }
    let Room { bytes_free, bytes_proven } = room;
    job.waits(Some(Stage::Asked));
    job.say(What::Asked { bytes_free, bytes_proven }).await;
    loop {
        match job.hear(&offer.from).await.map_err(answered_elsewhere)? {
            Told::Answer(Answer::Yes) => return Ok(()),
            Told::Answer(Answer::No) => return Err(Over::new(Ending::Refused, "")),
            _ => {}
        }
    }
}

/// While the user is asked, only another session of theirs can have refused.
fn answered_elsewhere(over: Over) -> Over {
    match over.ending {
        Ending::Refused => Over::new(Ending::CancelledThere, "another session of yours has answered"),
        _ => over,
    }
}

enum Came {
    Straight(Connection),
    Relayed,
}

/// Waits for the sender, or for its word that it cannot come.
async fn come(job: &mut Job, offer: &Offer, mut expected: Expected) -> Result<Came, Over> {
    let last = Instant::now() + COMING;
    loop {
        tokio::select! {
            biased;
            connection = expected.connection() => return Ok(Came::Straight(connection)),
            told = job.hear(&offer.from) => {
                if let Told::Relay = told? { return Ok(Came::Relayed) }
            }
            () = sleep_until(last) => {
                return Err(Over::failed(&format!("nothing came from {}", offer.from)));
            }
        }
    }
}
