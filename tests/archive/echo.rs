//! A vendor that repeats the credential in whatever it says: it stands in no file and in no output.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::Command,
};

const TENANT: &str = "eu-west-2_AbcdEfghI";

/// One that is written otherwise in each form.
const KEY: &str = "k3y/of+ours=?&?>~x";

/// Base64 as HTTP has it, without a crate that the program could share a fault with.
fn base64(text: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let encode = |three: &[u8]| {
        let bits =
            three.iter().fold(0_u32, |bits, &byte| bits << 8 | u32::from(byte)) << (8 * (3 - three.len()));
        let letter = |at: usize| {
            let index = usize::try_from(bits >> (18 - 6 * at) & 63).expect("six bits");
            if at <= three.len() { char::from(LETTERS[index]) } else { '=' }
        };
        (0..4).map(letter).collect::<String>()
    };
    text.as_bytes().chunks(3).map(encode).collect()
}

fn percent(text: &str) -> String {
    let encode = |byte: u8| match byte {
        byte if byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

/// The credential as it is, as JSON may write it, and encoded.
fn forms() -> Vec<String> {
    let pair = format!("{TENANT}:{KEY}");
    vec![
        KEY.to_owned(),
        KEY.replace('/', "\\/"),
        percent(KEY),
        percent(KEY).to_lowercase(),
        percent(KEY).replace("%7E", "~"),
        base64(KEY),
        base64(KEY).trim_end_matches('=').to_owned(),
        base64(&pair),
        base64(&pair).trim_end_matches('=').to_owned(),
        base64(&pair).replace('/', "_").replace('+', "-"),
    ]
}

/// Answers each list in another way, always with the credential in all its forms.
fn answer(path: &str) -> (&'static str, String, String) {
    let all = forms().join(" ");
    let echo = format!(
        "X-Echo: {KEY}\r\nX-Echo-Percent: {}\r\nX-Echo-Base: {}\r\nX-Echo-Pair: Basic {}\r\n",
        percent(KEY),
        base64(KEY),
        base64(&format!("{TENANT}:{KEY}"))
    );
    let page = format!(
        "{{\"results\":[{{\"id\":\"t1\",\"tag\":\"one\"}}],\"debug\":{{\"said\":\"{all}\"}},\
         \"pagination\":{{\"page\":1,\"perPage\":100,\"totalPages\":1,\"totalResults\":1}}}}"
    );
    match path.rsplit('/').next().unwrap_or_default() {
        "tags" => ("200 OK", echo, page),
        "users" => ("400 Bad Request", echo, format!("no filter for {all}")),
        "audiences" => ("403 Forbidden", echo, format!("{{\"message\":\"{all}\"}}")),
        "contents" => {
            ("302 Found", format!("{echo}Location: http://127.0.0.2:1/{}?key={KEY}\r\n", percent(KEY)), all)
        }
        "activities" => ("200 OK", echo, format!("[{all}")),
        // Members of the page are named where it has no rows.
        "levels" => {
            let members: Vec<String> = forms().iter().map(|form| format!("\"{form}\":1")).collect();
            ("200 OK", echo, format!("{{{}}}", members.join(",")))
        }
        _ => ("404 Not Found", echo, all),
    }
}

fn serve(stream: TcpStream) {
    let mut lines = BufReader::new(stream.try_clone().expect("a socket")).lines().map_while(Result::ok);
    let Some(first) = lines.next() else { return };
    lines.take_while(|line| !line.is_empty()).for_each(drop);
    let target = first.split(' ').nth(1).unwrap_or_default();
    let (status, headers, body) = answer(target.split('?').next().unwrap_or_default());
    let head = format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    // A client that has gone is the test's to notice.
    let mut stream = stream;
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
}

/// Everything in the files below, archives unpacked.
fn files(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, found);
        } else if path.file_name().is_some_and(|name| name != "userhaul.toml") {
            let bytes = std::fs::read(&path).expect("a file");
            if path.extension().is_some_and(|extension| extension == "zst") {
                let plain = zstd::stream::decode_all(bytes.as_slice()).expect("zstd");
                found.push((format!("{} unpacked", path.display()), plain));
            }
            found.push((path.display().to_string(), bytes));
        }
    }
}

#[test]
fn a_credential_that_the_vendor_repeats_is_written_nowhere() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        listener.incoming().flatten().for_each(|stream| drop(std::thread::spawn(|| serve(stream))))
    });
    let folder = tempfile::tempdir().expect("a folder");
    let config = format!(
        "[destination]\npath = \"warehouse\"\ncompression = \"none\"\n\n[sources.it]\nconnector = \"thrive\"\nbase_url = \"{url}\"\n\
         tenant_id = \"{TENANT}\"\napi_key = \"{KEY}\"\narchive = true\nrate_limit = {{ requests = 1000, per = \"100ms\" }}\n"
    );
    std::fs::write(folder.path().join("userhaul.toml"), config).expect("a file");
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_userhaul"));
        command.args(arguments).current_dir(folder.path());
        let output =
            command.env("USERHAUL_STATE_DIR", folder.path().join("state")).output().expect("it runs");
        (arguments.join(" "), output)
    };
    let lists = ["it.tags", "it.users", "it.audiences", "it.contents", "it.activities", "it.skill_levels"];
    let sync = |more: &[&'static str]| run(&[&["sync"], &lists[..], more].concat());
    let outputs = [
        sync(&["--json", "-v"]),
        sync(&["--log-format", "json", "-v"]),
        run(&["check", "-v"]),
        run(&["check", "--probe", "-v"]),
        run(&["replay", "--json", "-v"]),
        run(&["runs", "--json"]),
        run(&["report", "-o", "report.html"]),
        run(&["state", "show", "--json"]),
    ];
    assert_eq!(outputs[0].1.status.code(), Some(3), "{}", String::from_utf8_lossy(&outputs[0].1.stderr));
    let mut found = Vec::new();
    files(folder.path(), &mut found);
    let archived = found
        .iter()
        .filter(|(name, bytes)| name.ends_with("unpacked") && bytes.windows(3).any(|three| three == b"***"));
    assert!(archived.count() >= 3, "{:?}", found.iter().map(|(name, _)| name).collect::<Vec<_>>());
    for (what, output) in outputs {
        found.push((format!("stdout of {what}"), output.stdout));
        found.push((format!("stderr of {what}"), output.stderr));
    }
    let said = found
        .iter()
        .any(|(what, bytes)| what.starts_with("stderr") && bytes.windows(3).any(|three| three == b"***"));
    assert!(said, "an error shows what the vendor said");
    for form in forms() {
        let holds = |bytes: &[u8]| bytes.windows(form.len()).any(|window| window == form.as_bytes());
        let held: Vec<&String> =
            found.iter().filter(|(_, bytes)| holds(bytes)).map(|(name, _)| name).collect();
        assert!(held.is_empty(), "`{form}` stands in {held:?}");
    }
}
