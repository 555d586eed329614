//! A person who is logged in: what they type, what comes back, and what others say meanwhile.
//!
//! Lines are carried out one after the other, as [`Pending`] says.

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::time::SystemTime;

use toom_core::{Conversation, Timestamp};
use toom_net::client::{Pushed, Pushes};

use crate::editor::{Editor, Terminal, Typed};
use crate::files::{Files, News, NewsFeed};
use crate::filter::{Shown, write_line, write_shown};
use crate::knowledge::Knowledge;
use crate::pending::{self, Confirmed, Entered, Link, Pending};
use crate::render;
use crate::said::Said;
use crate::session::{Reply, Session, Step};
use crate::stop::{Stop, Verdict};
use crate::voice::Voice;

/// Serves a user who is logged in, until `OUT`, or until there is no way back to the server. Tells how it ended, and when the last message
/// was posted that was shown.
pub async fn chat(
    session: Session,
    pushes: Pushes,
    news: NewsFeed,
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
        files: session.files().clone(),
        news,
        user: user.to_owned(),
        knowledge,
        day: None,
        last: Timestamp::MIN,
        pending: Pending::default(),
        editor,
        pushes,
        session: Some(session),
        running: None,
        typing: Typing::No,
        early: None,
    };
    let ended = chat.run().await;
    if chat.typing == Typing::Yes {
        terminal.put_back();
    }
    for one in chat.files.under_way() {
        // Talk: the program ends in any case.
        let _ = write_line(&mut io::stdout(), &render::unfinished(&one.about));
    }
    (ended, chat.last)
}

struct Chat {
    voice: Voice,
    files: Files,
    news: NewsFeed,
    user: String,
    knowledge: Knowledge,
    /// That of the last message.
    day: Option<String>,
    /// When the last message was posted that was shown, or that is the user's own.
    last: Timestamp,
    pending: Pending,
    editor: Editor,
    pushes: Pushes,
    /// `None` while a line is carried out.
    session: Option<Session>,
    /// The line that is carried out.
    running: Option<Pin<Box<dyn Future<Output = Answered>>>>,
    typing: Typing,
    /// What came too early: its place is behind an answer.
    early: Option<Pushed>,
}

/// The session, for the next line, and the reply to this one.
type Answered = (Session, Result<Reply, Stop>);

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
    News(News),
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
            if self.typing == Typing::No && (self.running.is_none() || self.pending.link() == Link::Away) {
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
                Happens::News(news) => {
                    self.tell(&Said::Transfer(news)).await?;
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
        let Self { editor, pushes, news, running, typing, .. } = self;
        tokio::select! {
            biased;
            (session, reply) = async {
                match running {
                    Some(running) => running.as_mut().await,
                    None => std::future::pending().await,
                }
            } => Happens::Answered((session, reply)),
            typed = editor.keyboard.typed(), if *typing == Typing::Yes => Happens::Typed(typed),
            pushed = pushes.next() => Happens::Pushed(pushed),
            news = news.next() => Happens::News(news),
        }
    }

    fn begin_next(&mut self) {
        if self.session.is_none() {
            return;
        }
        if let Some(line) = self.pending.begin()
            && let Some(mut session) = self.session.take()
        {
            self.running = Some(Box::pin(async move {
                let reply = session.answer(&line).await;
                (session, reply)
            }));
        }
    }

    async fn answered(&mut self, session: Session, reply: Reply) -> Goes {
        self.session = Some(session);
        self.running = None;
        self.pending.answered();
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
        let now = Timestamp::from_system_time(SystemTime::now());
        match self.pending.enter(line, &self.voice.zone, now) {
            Entered::Goes => {}
            Entered::Waits(line) => self.show(Shown::plain(&render::not_sent_yet(&line))).await?,
            Entered::Refused(why) => self.show(Shown::plain(&why)).await?,
            Entered::Help => self.tell(&Said::Help).await?,
            Entered::Leave => return self.leave().await.map(Some),
        }
        Ok(None)
    }

    /// Several lines at once were pasted. They are shown, and sent as one message if the user says so with the next line.
    async fn as_one_message(&mut self, line: String) -> Result<Option<String>, Stop> {
        let line = match self.pending.confirm(line) {
            Confirmed::NotAsked(line) => line,
            Confirmed::Yes(pasted) => return Ok(Some(pasted)),
            Confirmed::No => {
                self.show(Shown::plain(render::NOT_SENT)).await?;
                return Ok(None);
            }
        };
        let several = pending::pasted_lines(&line);
        if several.is_empty() {
            return Ok(Some(line));
        }
        for shown in &several {
            self.show(Shown::plain(shown)).await?;
        }
        self.pending.ask_about(line);
        Ok(None)
    }

    /// `OUT` where there is no connection: what was not sent never will be.
    async fn leave(&mut self) -> Result<Verdict, Stop> {
        let unsent = self.pending.leave();
        for line in &unsent {
            self.show(Shown::plain(&render::not_sent(line))).await?;
        }
        if unsent.is_empty() {
            self.show(Shown::plain(&render::goodbye(&self.user))).await?;
        }
        pending::left(&unsent)
    }

    /// Tells what came unasked, and what it means for the lines that wait.
    async fn take(&mut self, pushed: Pushed) -> Result<(), Stop> {
        self.files.hear(&pushed);
        for line in self.pending.hear(&pushed) {
            self.show(Shown::plain(&line)).await?;
        }
        match pushed {
            // It was told with what it means for the lines.
            Pushed::Away(_) => Ok(()),
            pushed => self.tell(&Said::Pushed(pushed)).await,
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
