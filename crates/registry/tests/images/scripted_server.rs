//! A server on loopback that answers what a test writes down, one request a connection.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

/// A request.
#[derive(Debug, Clone, Default)]
pub(crate) struct ScriptedRequest {
    /// The method and the target, such as `GET /v2/`.
    pub(crate) line: String,
    /// The header lines.
    pub(crate) headers: Vec<String>,
    pub(crate) body: String,
}

impl ScriptedRequest {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.headers.iter().filter_map(|line| line.split_once(": "));
        let mut found = lines.filter(|(key, _)| key.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value)
    }
}

/// A running server. It ends with the test process.
pub(crate) struct ScriptedServer {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<ScriptedRequest>>>,
}

impl ScriptedServer {
    /// Starts a server. The answer is the status, header lines and the body; `HOST` in it becomes the
    /// address of the server.
    pub(crate) fn start(
        answer: impl Fn(&ScriptedRequest) -> (u16, &'static str, String) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (requests, answer) = (Arc::clone(&seen), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (requests, answer) = (Arc::clone(&requests), Arc::clone(&answer));
                thread::spawn(move || {
                    if greets_by_tls(&stream) {
                        answer_without_tls(&stream);
                        return;
                    }
                    let Some(request) = read_request(&stream) else {
                        return;
                    };
                    requests.lock().unwrap().push(request.clone());
                    let (status, headers, body) = answer(&request);
                    let host = address.to_string();
                    let (headers, body) =
                        (headers.replace("HOST", &host), body.replace("HOST", &host));
                    let length = body.len();
                    let head = format!(
                        "HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n"
                    );
                    let _ = (&stream).write_all(format!("{head}{body}").as_bytes());
                    close_gently(&stream);
                });
            }
        });
        Self { address, seen }
    }

    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    pub(crate) fn requests(&self) -> Vec<ScriptedRequest> {
        self.seen.lock().unwrap().clone()
    }

    /// The lines of the requests.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.requests()
            .into_iter()
            .map(|request| request.line)
            .collect()
    }
}

/// Keeps header lines that a test makes up for the rest of the process.
pub(crate) fn header_lines(lines: String) -> &'static str {
    Box::leak(lines.into_boxed_str())
}

/// True where the first byte is that of a TLS greeting.
fn greets_by_tls(stream: &TcpStream) -> bool {
    let mut first = [0];
    stream.peek(&mut first).is_ok() && first == [0x16]
}

/// Answers a greeting of TLS as a server of plain HTTP does.
fn answer_without_tls(mut stream: &TcpStream) {
    let mut greeting = [0; 4096];
    let _ = stream.read(&mut greeting);
    let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    close_gently(stream);
}

/// Waits for the client to close: bytes that were not read would break the connection under it.
fn close_gently(mut stream: &TcpStream) {
    let _ = stream.shutdown(Shutdown::Write);
    let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
    let _ = std::io::copy(&mut stream, &mut std::io::sink());
}

/// Reads a request.
fn read_request(stream: &TcpStream) -> Option<ScriptedRequest> {
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let mut request = ScriptedRequest::default();
    let first = lines.remove(0);
    request.line = first.trim_end_matches(" HTTP/1.1").to_owned();
    request.headers = lines;
    let length = request
        .header("content-length")
        .and_then(|length| length.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    request.body = String::from_utf8(body).ok()?;
    Some(request)
}
