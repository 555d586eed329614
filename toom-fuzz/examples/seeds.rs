//! Writes inputs to begin with into `fuzz/corpus`, beside what is there: the examples of `docs/protocol.md`, small files, and small
//! stores. `cargo run -p toom-fuzz --example seeds`

use std::fs;
use std::io;
use std::path::Path;

const PROTOCOL: &str = include_str!("../../docs/protocol.md");

fn main() -> io::Result<()> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    for (target, seeds) in [
        ("credentials", texts(&CREDENTIALS)),
        ("file_names", texts(&FILE_NAMES)),
        ("import", texts(&IMPORTS)),
        ("journal", toom_fuzz::journal_seeds()),
        ("operations", schedules()),
        ("recording", toom_fuzz::recording_seeds()),
        ("reply", lines("S: ")),
        ("request", lines("C: ")),
        ("run", toom_fuzz::run_seeds()),
        ("terminal", texts(&TEXTS)),
    ] {
        let folder = corpus.join(target);
        fs::create_dir_all(&folder)?;
        for (nth, seed) in seeds.iter().enumerate() {
            fs::write(folder.join(format!("seed-{nth:03}")), seed)?;
        }
        println!("{target}: {} seeds", seeds.len());
    }
    Ok(())
}

fn texts(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// The lines of the examples that one side says, each alone in pieces of 5 bytes, and then all at once.
fn lines(side: &str) -> Vec<Vec<u8>> {
    let lines: Vec<_> = PROTOCOL.lines().filter_map(|line| line.strip_prefix(side)).collect();
    let together = format!("\u{7f}{}\r\n", lines.join("\n"));
    let alone = lines.iter().map(|line| format!("\u{5}{line}\n").into_bytes());
    alone.chain([together.into_bytes()]).collect()
}

/// Schedules of bytes that are spread, of several lengths.
fn schedules() -> Vec<Vec<u8>> {
    let schedule = |nth: usize| {
        let mut state = nth as u64 * 2 + 1;
        let byte = move || {
            // A linear congruential generator: no more is asked of it than to differ.
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        };
        std::iter::repeat_with(byte).take(100 * (1 + nth % 8)).collect()
    };
    (0..24).map(schedule).collect()
}

const CREDENTIALS: [&str; 12] = [
    "",
    "# staff\nobiwan help me\n",
    "obiwan help me\r\nluke   red five  \r\n\r\n",
    "\u{feff}# staff\nobiwan help me",
    "luke $argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$0HLg9xWL2mXTDUq6YcOT1hN0rIaN3QSqMvX1Q3cGzYk\nleia a",
    "#blocked luke red five\nleia secret\n",
    "leia one\nLEIA two\n",
    "ＬＥＩＡ geheim\n",
    "one-word\n",
    "luke tab\tinside\n",
    "\n\n# a\n\nyoda  x y z\n# b\n",
    "#blocked yoda size\n#blocked yoda matters not\nhans solo\n",
];

const FILE_NAMES: [&str; 12] = [
    "yoda\0notes.txt",
    "yoda\0../../etc/passwd",
    "yoda\0C:\\Users\\luke\\a b.pdf",
    "yoda\0..",
    "\0",
    ".\0.bashrc",
    "yoda\0a\nb\u{1b}[2J.txt",
    "yoda\0exe.\u{202e}txt.gpj",
    "com1.x\0lpt9.txt",
    "yoda\0trailing. . .",
    "Füße\0😀.tar.gz",
    "\0NUL ",
];

const IMPORTS: [&str; 10] = [
    "0",
    "1",
    concat!(
        r#"0{"type":"toom","format":1,"rooms":1,"messages":2}"#,
        "\n",
        r#"{"type":"message","number":1,"at":"2022-08-04T09:02:29.000001Z","user":"obiwan","text":"hello\n\u202e"}"#,
        "\n",
        r#"{"type":"room","room":1,"at":"2022-08-04T09:02:40Z","members":["obiwan","luke"]}"#,
        "\n",
        r#"{"type":"message","room":1,"number":1,"at":"2022-08-04T09:03:07Z","user":"luke","text":"psst"}"#,
        "\n",
    ),
    concat!(
        r#"0{"type":"toom","format":1,"rooms":0,"messages":3}"#,
        "\n",
        r#"{"type":"message","number":1,"at":"2022-08-04T09:02:29Z","user":"a","text":"1"}"#,
        "\n",
        r#"{"type":"message","number":2,"at":"2022-08-04T09:02:30Z","user":"b","text":"2"}"#,
        "\n",
        r#"{"type":"message","number":3,"at":"9999-12-31T23:59:59.999999Z","user":"c","text":"3"}"#,
        "\n",
    ),
    r#"0{"type":"toom","format":2,"rooms":0,"messages":0}"#,
    "11; 04 Aug 2022 09:02:29; obiwan; hello\n2; 04 Aug 2022 09:02:29; luke; hello \\n\\u{202e}\\x\n",
    concat!(
        "11; 04 Aug 2022 09:02:29; obiwan; hello\n2; 04 Aug 2022 09:02:31; luke; hello\n\0",
        "1; 04 Aug 2022 09:02:30; obiwan; psst\n2; 04 Aug 2022 09:01:30; luke; earlier\n\0",
        "1; 04 Aug 2022 09:02:30; obiwan; psst\n",
    ),
    "1\u{feff}1; 31 Dec 9999 23:59:59; a;b; end\r\n2; 31 Dec 9999 23:59:59; a; of time\r\n",
    "11; 01 Jan 0000 00:00:00; a; x\n\n3; 01 Jan 0000 00:00:00; a; gap\n",
    "1\0",
];

const TEXTS: [&str; 10] = [
    "",
    "hello",
    "red \u{1b}[31m and\nback \u{202e}",
    "tab\tand \\n and \\u{1b} and \\",
    "\u{ad}\u{200b}\u{feff}\u{e0041}❤\u{fe0f}",
    "\u{9b}2J\u{85}\u{2028}\u{2029}",
    "\\\\n\\\\u{5c}",
    "\u{b}\r\u{7f}\0",
    "ünï€😀 👩\u{200d}🚀",
    " x ",
];
