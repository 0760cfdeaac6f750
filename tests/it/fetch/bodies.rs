//! Bodies as they come: packed, in one piece, in many, and how large they may become.

use std::io::Write;

use bytes::Bytes;
use tidemill::fetch::TransportError;

use super::loopback::Loopback;

const MAX: &str = "max_body = 65536";

type Pack = fn(&[u8]) -> Vec<u8>;

const PACKED: [(&str, Pack); 3] = [("gzip", gzip), ("br", brotli), ("zstd", zstd)];

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn brotli(body: &[u8]) -> Vec<u8> {
    let mut encoder = brotli::CompressorWriter::new(Vec::new(), 4096, 5, 20);
    encoder.write_all(body).unwrap();
    encoder.into_inner()
}

fn zstd(body: &[u8]) -> Vec<u8> {
    zstd::encode_all(body, 3).unwrap()
}

/// `[0,0,0,…]` of `length` bytes: packed it is hundreds of times smaller.
fn zeros(length: usize) -> Vec<u8> {
    let mut body = b"[0".to_vec();
    while body.len() < length - 1 {
        body.extend_from_slice(b",0");
    }
    body.truncate(length - 1);
    body.push(b']');
    body
}

/// What a server that answers with `headers` and `packed` is read as.
async fn read(headers: String, packed: Vec<u8>) -> (Result<Bytes, TransportError>, String) {
    let loopback = Loopback::new(MAX, move |mut line, _| {
        let (headers, packed) = (headers.clone(), packed.clone());
        async move {
            line.asked().await;
            line.answer(&headers, &packed).await;
        }
    })
    .await;
    let answer = loopback.get().await.map(|answer| answer.body);
    (answer, loopback.heads().concat())
}

#[tokio::test]
async fn packed_bodies_are_asked_for_and_unpacked() {
    for (name, pack) in PACKED {
        let body = zeros(65_536);
        let (answer, head) = read(format!("content-encoding: {name}\r\n"), pack(&body)).await;
        let accepted = head.lines().find_map(|line| line.strip_prefix("accept-encoding: ")).unwrap();
        assert!(accepted.split(',').any(|known| known.trim() == name), "{name}: {accepted}");
        assert_eq!(answer.unwrap(), body, "{name}");
    }
}

/// A few hundred bytes on the wire, one too many in memory.
#[tokio::test]
async fn the_unpacked_size_is_what_may_not_be_too_large() {
    for (name, pack) in PACKED {
        let packed = pack(&zeros(65_537));
        assert!(packed.len() < 1000, "{name}: {}", packed.len());
        let (answer, _) = read(format!("content-encoding: {name}\r\n"), packed).await;
        assert_eq!(answer, Err(TransportError::TooLarge(65_536)), "{name}");
    }
}

#[tokio::test]
async fn bodies_of_announced_length_are_whole_up_to_the_largest() {
    for length in [2, 100, 65_535, 65_536] {
        let body = zeros(length);
        assert_eq!(read(String::new(), body.clone()).await.0, Ok(body.into()), "{length}");
    }
    assert_eq!(read(String::new(), Vec::new()).await.0, Ok(Bytes::new()));
    assert_eq!(read(String::new(), zeros(65_537)).await.0, Err(TransportError::TooLarge(65_536)));
}

#[tokio::test]
async fn bodies_of_unknown_length_are_put_together() {
    for (pieces, length) in [(0, 0), (1, 10), (7, 9000), (16, 4096)] {
        let piece = vec![b'1'; length];
        let answered = piece.clone();
        let loopback = Loopback::new(MAX, move |mut line, _| {
            let piece = answered.clone();
            async move {
                line.asked().await;
                line.answer_in_chunks(&vec![&piece[..]; pieces]).await;
            }
        })
        .await;
        assert_eq!(loopback.get().await.unwrap().body, piece.repeat(pieces), "{pieces} of {length}");
    }
}
