//! A person who is logged in: what they type, what comes back, and what others say meanwhile.
//!
//! Lines are carried out one after the other. While there is no connection, they wait, are marked as not sent, and go out once there is
//! one again.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::time::SystemTime;

use toom_core::{Conversation, Timestamp};
use toom_net::client::{Pushed, Pushes};

use crate::command::{self, Command};
use crate::editor::{Editor, Terminal, Typed};
use crate::filter::{Shown, write_shown};
use crate::knowledge::Knowledge;
use crate::render;
use crate::said::Said;
use crate::session::{Reply, Session, Step};
use crate::stop::{Stop, Verdict};
use crate::voice::Voice;

/// How many lines wait for a connection.
const LINES_MAX: usize = 100;

/// Serves a user who is logged in, until `OUT`, or until there is no way back to the server. Tells how it ended, and when the last message
/// was posted that was shown.
pub async fn chat(
    session: Session,
    pushes: Pushes,
    user: &str,
    history: Option<PathBuf>,
) -> (Result<Verdict, Stop>, Timestamp) {
    let terminal = Terminal::remember();
    let knowledge = Knowledge::default();
    let color = session.voice().paint.color();
    let editor = match Editor::new(knowledge.clone(), color, history) {
        Ok(editor) => editor,
        Err(error) => return (Err(Stop::Input(error)), Timestamp::MIN),
    };
    let mut chat = Chat {
        voice: session.voice().clone(),
        user: user.to_owned(),
        knowledge,
        day: None,
        last: Timestamp::MIN,
        pasted: None,
        editor,
        pushes,
        session: Some(session),
        running: None,
        waiting: VecDeque::new(),
        link: Link::There,
        typing: Typing::No,
        told: None,
        early: None,
    };
    let ended = chat.run().await;
    if chat.typing == Typing::Yes {
        terminal.put_back();
    }
    (ended, chat.last)
}

struct Chat {
    voice: Voice,
    user: String,
    knowledge: Knowledge,
    /// That of the last message.
    day: Option<String>,
    /// When the last message was posted that was shown, or that is the user's own.
    last: Timestamp,
    /// Lines that were pasted: the user is asked whether they are one message.
    pasted: Option<String>,
    editor: Editor,
    pushes: Pushes,
    /// `None` while a line is carried out.
    session: Option<Session>,
    running: Option<Running>,
    /// Lines that were typed and not begun.
    waiting: VecDeque<String>,
    link: Link,
    typing: Typing,
    /// Why there is no connection, as it was told.
    told: Option<String>,
    /// What came too early: its place is behind an answer.
    early: Option<Pushed>,
}

/// A line that is carried out.
struct Running {
    line: String,
    reply: Pin<Box<dyn Future<Output = Answered>>>,
}

/// The session, for the next line, and the reply to this one.
type Answered = (Session, Result<Reply, Stop>);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Link {
    There,
    Away,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Typing {
    No,
    Yes,
}

/// What happens next.
enum Happens {
    Answered(Answered),
    Typed(io::Result<Typed>),
    Pushed(Option<Pushed>),
}

/// Whether the chat goes on.
type Goes = Result<Option<Verdict>, Stop>;

impl Chat {
    async fn run(&mut self) -> Result<Verdict, Stop> {
        loop {
            if let Some(early) = self.early.take() {
                self.take(early).await?;
            }
            self.begin_next();
            if self.typing == Typing::No && (self.running.is_none() || self.link == Link::Away) {
                self.editor.keyboard.ask();
                self.typing = Typing::Yes;
            }
            let ended = match self.next().await {
                Happens::Answered((session, reply)) => self.answered(session, reply?).await?,
                Happens::Typed(typed) => self.typed(typed.map_err(Stop::Input)?).await?,
                Happens::Pushed(Some(pushed)) => {
                    self.take(pushed).await?;
                    None
                }
                Happens::Pushed(None) => return Err(self.over()),
            };
            if let Some(verdict) = ended {
                return Ok(verdict);
            }
        }
    }

    async fn next(&mut self) -> Happens {
        let Self { editor, pushes, running, typing, .. } = self;
        tokio::select! {
            biased;
            (session, reply) = async {
                match running {
                    Some(running) => running.reply.as_mut().await,
                    None => std::future::pending().await,
                }
            } => Happens::Answered((session, reply)),
            typed = editor.keyboard.typed(), if *typing == Typing::Yes => Happens::Typed(typed),
            pushed = pushes.next() => Happens::Pushed(pushed),
        }
    }

    fn begin_next(&mut self) {
        if self.session.is_none() || self.waiting.is_empty() {
            return;
        }
        if let (Some(mut session), Some(line)) = (self.session.take(), self.waiting.pop_front()) {
            let typed = line.clone();
            let reply = Box::pin(async move {
                let reply = session.answer(&typed).await;
                (session, reply)
            });
            self.running = Some(Running { line, reply });
        }
    }

    async fn answered(&mut self, session: Session, reply: Reply) -> Goes {
        self.session = Some(session);
        self.running = None;
        if let Some((conversation, number)) = reply.place() {
            self.tell_earlier(conversation, number).await?;
        }
        if let Some(note) = &reply.note {
            self.show(Shown::plain(note)).await?;
        }
        if let Some(said) = &reply.said {
            self.tell(said).await?;
        }
        // Whoever sits here has seen what was refused.
        Ok((reply.step == Step::LoggedOut).then_some(Verdict::Done))
    }

    /// Tells what came before the message `number` of `conversation`.
    async fn tell_earlier(&mut self, conversation: Conversation, number: u64) -> Result<(), Stop> {
        while let Some(pushed) = self.pushes.try_next() {
            let later = matches!(&pushed, Pushed::Message(message)
                if message.conversation == conversation && message.number.get() > number);
            if later {
                self.early = Some(pushed);
                return Ok(());
            }
            self.take(pushed).await?;
        }
        Ok(())
    }

    async fn typed(&mut self, typed: Typed) -> Goes {
        self.typing = Typing::No;
        let line = match typed {
            Typed::Line(line) => line,
            Typed::End => "OUT".to_owned(),
        };
        let Some(line) = self.as_one_message(line).await? else { return Ok(None) };
        if self.link == Link::There {
            self.waiting.push_back(line);
            return Ok(None);
        }
        let now = Timestamp::from_system_time(SystemTime::now());
        match command::parse(&line, &self.voice.zone, now) {
            Ok(None) => {}
            Ok(Some(Command::Logout)) => return self.leave().await.map(Some),
            Ok(Some(Command::Help)) => self.tell(&Said::Help).await?,
            Ok(Some(_)) if self.waiting.len() >= LINES_MAX => {
                self.show(Shown::plain(&render::not_sent(&line))).await?;
            }
            Ok(Some(_)) => {
                self.show(Shown::plain(&render::not_sent_yet(&line))).await?;
                self.waiting.push_back(line);
            }
            Err(error) => self.show(Shown::plain(&error.to_string())).await?,
        }
        Ok(None)
    }

    /// Several lines at once were pasted. They are shown, and sent as one message if the user says so with the next line.
    async fn as_one_message(&mut self, line: String) -> Result<Option<String>, Stop> {
        if let Some(pasted) = self.pasted.take() {
            if matches!(line.trim().to_lowercase().as_str(), "y" | "yes") {
                return Ok(Some(pasted));
            }
            self.show(Shown::plain(render::NOT_SENT)).await?;
            return Ok(None);
        }
        if !line.trim_end_matches('\n').contains('\n') {
            return Ok(Some(line));
        }
        for line in line.lines() {
            self.show(Shown::plain(&format!("| {line}"))).await?;
        }
        self.show(Shown::plain(&render::as_one_message(line.lines().count()))).await?;
        self.pasted = Some(line);
        Ok(None)
    }

    /// `OUT` where there is no connection: what was not sent never will be.
    async fn leave(&mut self) -> Result<Verdict, Stop> {
        let unsent: Vec<_> = self
            .running
            .take()
            .map(|running| running.line)
            .into_iter()
            .chain(self.waiting.drain(..))
            .collect();
        for line in &unsent {
            self.show(Shown::plain(&render::not_sent(line))).await?;
        }
        if unsent.is_empty() {
            self.show(Shown::plain(&render::goodbye(&self.user))).await?;
            return Ok(Verdict::Done);
        }
        Err(Stop::Connection(
            "you left while there was no connection: the lines above were not sent".to_owned(),
        ))
    }

    /// Tells what came unasked, and what it means for the lines that wait.
    async fn take(&mut self, pushed: Pushed) -> Result<(), Stop> {
        match &pushed {
            Pushed::Away(away) => {
                let why = render::away_why(away);
                let news = self.told.as_ref() != Some(&why);
                self.told = Some(why);
                if news {
                    self.show(Shown::plain(&render::away(away))).await?;
                }
                let line = self.running.as_ref().map(|running| render::unanswered(&running.line));
                if let (Link::There, Some(line)) = (self.link, line) {
                    self.show(Shown::plain(&line)).await?;
                }
                self.link = Link::Away;
                Ok(())
            }
            Pushed::Back { .. } => {
                (self.link, self.told) = (Link::There, None);
                self.tell(&Said::Pushed(pushed)).await
            }
            _ => self.tell(&Said::Pushed(pushed)).await,
        }
    }

    fn over(&self) -> Stop {
        match self.pushes.ended() {
            Some(ended) => ended.clone().into(),
            None => toom_net::client::Ended::Closed.into(),
        }
    }

    async fn tell(&mut self, said: &Said) -> Result<(), Stop> {
        self.knowledge.note(said);
        if let Said::Posted(receipt) = said {
            self.last = self.last.max(receipt.at);
        }
        if let Said::Pushed(Pushed::Message(message)) = said {
            self.last = self.last.max(message.at);
            let line = self.voice.day_line(&mut self.day, message.at);
            if let Some(line) = line {
                self.show(line).await?;
            }
        }
        for line in self.voice.lines(said) {
            self.show(line).await?;
        }
        Ok(())
    }

    /// Shows a line: above the one that is typed, if one is.
    async fn show(&mut self, line: Shown) -> Result<(), Stop> {
        match self.typing {
            Typing::Yes => self.editor.above.place().await.map_err(Stop::Input)?.show(line),
            Typing::No => write_shown(&mut io::stdout(), line).map_err(Stop::Output)?,
        }
        Ok(())
    }
}
