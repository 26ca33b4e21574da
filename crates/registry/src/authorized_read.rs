//! One read with the credentials that the registry wants: challenge, token, redirects, new tries.
//!
//! Nothing is sent to a registry before it has asked for it, and each credential goes to the origin of
//! its registry, or to the token server that the registry names. Waits are bounded by the limits.

use super::{
    challenge::Challenge,
    client_state::ClientState,
    connection_pool::{Exchange, secret_header},
    credential::{Credential, FoundCredential},
    error::{RegistryError, is_transient_status},
    host_state::{HostState, TokenKey},
    read_request::{Answer, ReadRequest},
    redirect::RedirectTrail,
    reference::{DOCKER_HUB, RegistryName},
    registry_rules::Source,
    retry::RetryPlan,
    token::{self, TokenRequest, basic_authorization},
    url::{Origin, Url},
};
use hyper::{body::Bytes, header::HeaderValue};

/// The host of the API of Docker's registry.
const DOCKER_HUB_HOST: &str = "registry-1.docker.io";
/// Requests with one credential: without, with an old token, with a new one, after a changed challenge.
const MAX_ROUNDS: usize = 4;

/// One of the credentials to try, with its number. `None` is anonymous.
type Candidate<'a> = (usize, Option<&'a FoundCredential>);

/// The result of trying one credential.
enum Access {
    Granted(Box<Answer>),
    /// Refused, with this status.
    Refused(u16),
}

/// What is sent with a request.
enum Authorization {
    Header(Option<HeaderValue>, Freshness),
    /// The credential is of no use to the registry, or its token server refused it.
    Useless,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Freshness {
    /// It was just made: sending it again is of no use.
    New,
    /// A token that was kept: it may have been revoked.
    Kept,
}

impl ClientState {
    /// Reads, trying again where the reason of a failure may pass, and checks the status.
    pub(crate) async fn read(
        &self,
        source: &Source,
        request: &ReadRequest,
    ) -> Result<Answer, RegistryError> {
        let host = self.host(&source.repository.registry);
        let mut plan = RetryPlan::new(&self.limits);
        loop {
            tokio::time::sleep(host.pause_left().min(self.limits.retry_after)).await;
            let (wait, failure) = match self.read_once(source, request, &host).await {
                Ok(answer) if is_transient_status(answer.status().as_u16()) => {
                    let wait = plan.next_wait(answer.retry_after());
                    if let Some(wait) = wait.filter(|_| answer.status().as_u16() == 429) {
                        host.pause(wait);
                    }
                    (wait, answer.check(request, &self.limits).await)
                }
                Ok(answer) => return answer.check(request, &self.limits).await,
                Err(error @ (RegistryError::Connect { .. } | RegistryError::Broken { .. })) => {
                    (plan.next_wait(None), Err(error))
                }
                Err(error) => return Err(error),
            };
            match wait {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return failure,
            }
        }
    }

    /// Reads with the scheme of the registry. Where plain HTTP is allowed and the scheme is not known
    /// yet, HTTPS is tried first.
    async fn read_once(
        &self,
        source: &Source,
        request: &ReadRequest,
        host: &HostState,
    ) -> Result<Answer, RegistryError> {
        let origin = origin_of(&source.repository.registry, true, request)?;
        let known = source.https.or_else(|| host.https());
        let may_be_plain = || {
            origin_of(&source.repository.registry, false, request)
                .is_ok_and(|plain| self.pool.is_allowed(&plain))
        };
        match known {
            Some(false) => {
                let plain = origin_of(&source.repository.registry, false, request)?;
                self.read_at(plain, source, request, host).await
            }
            Some(true) => self.read_at(origin, source, request, host).await,
            None if !may_be_plain() => self.read_at(origin, source, request, host).await,
            None => match self.read_at(origin, source, request, host).await {
                Err(RegistryError::PlainHttp { .. } | RegistryError::Connect { .. }) => {
                    let plain = origin_of(&source.repository.registry, false, request)?;
                    let answer = self.read_at(plain, source, request, host).await?;
                    host.set_https(false);
                    Ok(answer)
                }
                other => {
                    if other.is_ok() {
                        host.set_https(true);
                    }
                    other
                }
            },
        }
    }

    /// Tries the credentials for the repository one after the other.
    async fn read_at(
        &self,
        origin: Origin,
        source: &Source,
        request: &ReadRequest,
        host: &HostState,
    ) -> Result<Answer, RegistryError> {
        let url = Url::new(origin, &request.path).ok_or_else(|| RegistryError::Answer {
            what: request.what.clone(),
            reason: "its path cannot stand in a URL".to_owned(),
        })?;
        let time = self.limits.credential_program_time;
        let found = self.keychain.credentials(&source.repository, time).await?;
        let mut candidates: Vec<Candidate<'_>> = found.iter().map(Some).enumerate().collect();
        if candidates.is_empty() {
            candidates.push((0, None));
        }
        let mut refused = 401;
        for candidate in candidates {
            match self.read_as(candidate, &url, request, host).await? {
                Access::Granted(answer) => return Ok(*answer),
                Access::Refused(status) => refused = status,
            }
        }
        Err(refusal(refused, &found, request))
    }

    async fn read_as(
        &self,
        candidate: Candidate<'_>,
        url: &Url,
        request: &ReadRequest,
        host: &HostState,
    ) -> Result<Access, RegistryError> {
        for _ in 0..MAX_ROUNDS {
            let challenge = host.challenge();
            let authorization = match &challenge {
                None => Authorization::Header(None, Freshness::New),
                Some(challenge) => {
                    self.authorization(challenge, candidate, url, request, host)
                        .await?
                }
            };
            let Authorization::Header(header, freshness) = authorization else {
                return Ok(Access::Refused(401));
            };
            let answer = self.follow(url, request, header.as_ref()).await?;
            let status = answer.status().as_u16();
            if !matches!(status, 401 | 403) || answer.left_home {
                return Ok(Access::Granted(Box::new(answer)));
            }
            let wanted = Challenge::read(answer.response.headers());
            match wanted.filter(|_| status == 401) {
                Some(wanted) if challenge.as_ref() != Some(&wanted) => host.set_challenge(wanted),
                Some(_) if freshness == Freshness::Kept => {
                    host.drop_token(&token_key(candidate, request));
                }
                _ => return Ok(Access::Refused(status)),
            }
        }
        Ok(Access::Refused(401))
    }

    async fn authorization(
        &self,
        challenge: &Challenge,
        candidate: Candidate<'_>,
        url: &Url,
        request: &ReadRequest,
        host: &HostState,
    ) -> Result<Authorization, RegistryError> {
        let credential = candidate.1.map(|found| &found.credential);
        let header = match (challenge, credential) {
            (_, Some(Credential::RegistryToken(token))) => bearer(token.expose()),
            (Challenge::Basic, Some(Credential::Basic { user, password })) => {
                basic_authorization(user, password)
            }
            (Challenge::Basic, _) => None,
            (Challenge::Bearer { realm, service }, credential) => {
                if url.origin.https && !realm.origin.https {
                    return Err(RegistryError::PlainHttp {
                        host: realm.origin.to_string(),
                    });
                }
                let wanted = TokenRequest {
                    realm,
                    service: service.as_deref(),
                    scope: &request.scope,
                    credential,
                    what: &request.what,
                };
                return self
                    .token_authorization(&wanted, token_key(candidate, request), host)
                    .await;
            }
        };
        Ok(header.map_or(Authorization::Useless, |header| {
            Authorization::Header(Some(header), Freshness::New)
        }))
    }

    async fn token_authorization(
        &self,
        wanted: &TokenRequest<'_>,
        key: TokenKey,
        host: &HostState,
    ) -> Result<Authorization, RegistryError> {
        if let Some(token) = host.token(&key) {
            return Ok(Authorization::Header(
                bearer(token.value.expose()),
                Freshness::Kept,
            ));
        }
        let _turn = host.token_turn.lock().await;
        // Another request may have fetched it meanwhile.
        if let Some(token) = host.token(&key) {
            return Ok(Authorization::Header(
                bearer(token.value.expose()),
                Freshness::Kept,
            ));
        }
        let Some(token) = token::get(&self.pool, &self.limits, wanted).await? else {
            return Ok(Authorization::Useless);
        };
        let header = bearer(token.value.expose());
        host.keep_token(key, token);
        Ok(Authorization::Header(header, Freshness::New))
    }

    /// Sends the request and follows redirects. Credentials are sent to the first origin alone.
    async fn follow(
        &self,
        first: &Url,
        request: &ReadRequest,
        authorization: Option<&HeaderValue>,
    ) -> Result<Answer, RegistryError> {
        let mut trail = RedirectTrail::new(first.clone(), self.limits.redirects);
        let mut url = first.clone();
        loop {
            let exchange = Exchange {
                method: request.method.clone(),
                url: &url,
                headers: request.headers(authorization.filter(|_| trail.stayed_home())),
                body: Bytes::new(),
                what: &request.what,
            };
            let response = self.pool.exchange(&exchange).await?;
            let (status, headers) = (response.status(), response.headers());
            let next = trail.next(&request.method, status, headers, &request.what)?;
            let Some(next) = next else {
                return Ok(Answer {
                    response,
                    url,
                    left_home: !trail.stayed_home(),
                });
            };
            url = next;
        }
    }
}

fn bearer(token: &str) -> Option<HeaderValue> {
    secret_header(&format!("Bearer {token}"))
}

fn token_key(candidate: Candidate<'_>, request: &ReadRequest) -> TokenKey {
    TokenKey {
        scope: request.scope.clone(),
        candidate: candidate.0,
    }
}

fn origin_of(
    registry: &RegistryName,
    https: bool,
    request: &ReadRequest,
) -> Result<Origin, RegistryError> {
    let authority = match registry.as_str() {
        DOCKER_HUB => DOCKER_HUB_HOST,
        name => name,
    };
    Origin::parse(https, authority).ok_or_else(|| RegistryError::Answer {
        what: request.what.clone(),
        reason: "its registry is not HOST or HOST:PORT".to_owned(),
    })
}

fn refusal(status: u16, found: &[FoundCredential], request: &ReadRequest) -> RegistryError {
    let what = request.what.clone();
    let sources: Vec<&str> = found.iter().map(|found| found.source.as_str()).collect();
    let tried = if sources.is_empty() {
        "without credentials".to_owned()
    } else {
        format!("with {}", sources.join(", "))
    };
    if status == 403 {
        return RegistryError::Forbidden { what, tried };
    }
    let remedy = if sources.is_empty() {
        "it may be private, or not exist: log in, or give a pull secret"
    } else {
        "check the name and the password or token, and whether they have expired"
    };
    RegistryError::Unauthorized {
        what,
        tried,
        remedy,
    }
}
