//! An `sshd` of the bench's own on a free loopback port, with keys and settings of its own in the bench's folder, and `scp` to it.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

pub(crate) struct Scp {
    daemon: Child,
    folder: PathBuf,
    port: u16,
}

impl Scp {
    /// Starts it, or says why that does not work here.
    pub(crate) fn start(folder: &Path) -> Result<Self, String> {
        let sshd = ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/bin/sshd"];
        let sshd = sshd.iter().find(|path| Path::new(path).exists()).ok_or("there is no sshd")?;
        for key in ["host", "user"] {
            let made = Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                .arg(folder.join(key))
                .status();
            made.ok().filter(ExitStatus::success).ok_or("ssh-keygen does not work")?;
        }
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|error| error.to_string())?;
        let port = free.local_addr().map_err(|error| error.to_string())?.port();
        drop(free);
        let at = folder.display();
        let settings = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {at}/host\nAuthorizedKeysFile {at}/user.pub\nPidFile none\n\
             StrictModes no\nUsePAM no\nPasswordAuthentication no\nPermitRootLogin yes\nSubsystem sftp internal-sftp\n"
        );
        fs::write(folder.join("sshd_config"), settings).map_err(|error| error.to_string())?;
        let mut daemon = Command::new(sshd)
            .args(["-D", "-e", "-f"])
            .arg(folder.join("sshd_config"))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| error.to_string())?;
        let errors = daemon.stderr.take().ok_or("sshd says nothing")?;
        let mut said = String::new();
        let mut lines = BufReader::new(errors);
        while !said.contains("Server listening") {
            let before = said.len();
            lines.read_line(&mut said).map_err(|error| error.to_string())?;
            if said.len() == before {
                let _ = daemon.wait();
                return Err(format!("sshd ended: {}", said.trim()));
            }
        }
        // It goes on talking, and must not be held up.
        std::thread::spawn(move || lines.lines().for_each(drop));
        Ok(Self { daemon, folder: folder.to_owned(), port })
    }

    /// Copies the file into the folder, and removes the copy.
    pub(crate) fn copy(&self, file: &Path, folder: &Path, cipher: Option<&str>) {
        let copy = folder.join("copied");
        let mut scp = Command::new("scp");
        scp.args(["-q", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"])
            .args(["-o", "LogLevel=ERROR", "-F", "none", "-i"])
            .arg(self.folder.join("user"))
            .args(["-P", &self.port.to_string()]);
        if let Some(cipher) = cipher {
            scp.args(["-c", cipher]);
        }
        let copied = scp.arg(file).arg(format!("127.0.0.1:{}", copy.display())).status().unwrap();
        assert!(copied.success(), "scp failed");
        assert!(fs::metadata(&copy).unwrap().len() == fs::metadata(file).unwrap().len());
        fs::remove_file(copy).unwrap();
    }
}

impl Drop for Scp {
    fn drop(&mut self) {
        // It may have ended of itself.
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}
