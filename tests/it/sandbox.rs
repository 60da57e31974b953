//! The harness that runs programs under the unit's system call filter, proved on programs whose
//! calls are known; `tests/service/daemon_run.py` then puts the daemon under it.

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output};

/// SIGSYS on the architectures we ship for.
const BAD_SYSTEM_CALL: i32 = 31;

/// Debian's interpreter: the one that sees the `python3-seccomp` package.
const PYTHON: &str = "/usr/bin/python3";

/// Runs a command under the daemon's filter. `None`, and a line that says so, on a machine that
/// lacks the means; an error where `CI` is set.
fn under_filter(command: &[&str]) -> Option<Output> {
    let library = Command::new(PYTHON).args(["-c", "import seccomp"]).output();
    let analyze = Command::new("systemd-analyze").arg("--version").output();
    if !library.is_ok_and(|output| output.status.success()) || analyze.is_err() {
        assert!(std::env::var_os("CI").is_none(), "no python3-seccomp");
        println!("skipped: python3-seccomp or systemd-analyze is missing");
        return None;
    }
    let output = Command::new(PYTHON)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["tests/service/under_filter.py", "--unit"])
        .args(["systemd/b24-tidyd.service", "--"])
        .args(command)
        .output()
        .unwrap();
    Some(output)
}

fn assert_killed(command: &[&str]) {
    if let Some(output) = under_filter(command) {
        let signal = output.status.signal();
        assert_eq!(signal, Some(BAD_SYSTEM_CALL), "{command:?}: {output:?}");
    }
}

#[test]
fn an_ordinary_program_lives() {
    let status = "grep -E '^(NoNewPrivs|Seccomp):' /proc/self/status";
    let Some(output) = under_filter(&["sh", "-c", status]) else {
        return;
    };
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(said, "NoNewPrivs:\t1\nSeccomp:\t2\n");
}

#[test]
fn a_client_on_the_network_lives() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let program = "import socket, sys\n\
        host, port, *_ = socket.getaddrinfo('localhost', sys.argv[1], socket.AF_INET)[0][4]\n\
        socket.create_connection((host, port), 10).close()";
    let Some(output) = under_filter(&[PYTHON, "-c", program, &port]) else {
        return;
    };
    assert!(output.status.success(), "{output:?}");
    listener.accept().unwrap();
}

#[test]
fn calls_of_the_refused_groups_kill() {
    assert_killed(&["nice", "-n", "5", "true"]);
    assert_killed(&["/usr/sbin/chroot", "/", "true"]);
}

#[test]
fn memory_that_is_written_and_executed_kills() {
    let program = "import mmap; mmap.mmap(-1, 4096, prot=7)";
    assert_killed(&[PYTHON, "-c", program]);
}

#[test]
fn netlink_is_refused_as_systemd_refuses_it() {
    let program = "import errno, socket\n\
        try: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)\n\
        except OSError as refused: print(errno.errorcode[refused.errno])";
    let Some(output) = under_filter(&[PYTHON, "-c", program]) else {
        return;
    };
    assert_eq!(output.stdout, b"EAFNOSUPPORT\n");
}
