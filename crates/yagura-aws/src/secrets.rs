//! Yagura's own secrets at AWS: values of Secrets Manager and Parameter Store, and data keys that
//! KMS wraps. Part of the credential module: the read client refuses these operations.
//! What the values are for, and how long they are kept, is not known here.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use yagura_model::secret::{Secret, SecretFault};
use zeroize::Zeroizing;

use crate::client::{Aws, Call, Target};
use crate::credentials::Signer;
use crate::error::{CallError, CallErrorKind};
use crate::protocol::scalar::{from_base64, to_base64};

/// Reads secrets that the user's settings name, and asks one KMS key to wrap. It calls
/// `secretsmanager:GetSecretValue`, `ssm:GetParameter`, `kms:Encrypt` and `kms:Decrypt`, signed by
/// the caller's own credentials, and nothing else.
///
/// What passes through here is overwritten in memory where we hold it; copies that the HTTP and
/// JSON libraries make while an answer is read are not.
#[derive(Clone, Debug)]
pub struct SecretReader {
    aws: Aws,
    home: Target,
    cancel: CancellationToken,
}

impl Aws {
    /// A reader of the user's secrets. `home` is asked wherever an ARN names no other region.
    pub fn secrets(&self, home: Target, cancel: CancellationToken) -> SecretReader {
        SecretReader { aws: self.clone(), home, cancel }
    }
}

impl SecretReader {
    /// The current version of a secret of Secrets Manager, by name or ARN; with `member`, that
    /// text of the JSON object it holds.
    ///
    /// # Errors
    /// [`SecretFault`], which never holds the value.
    pub async fn secret(&self, id: &str, member: Option<&str>) -> Result<Secret, SecretFault> {
        let input = json!({"SecretId": id});
        let mut answer = self.call("secretsmanager", "GetSecretValue", id, &input).await?;
        let text = match answer.get_mut("SecretString").map(Value::take) {
            Some(Value::String(text)) => Zeroizing::new(text),
            _ => binary(&mut answer)?,
        };
        let Some(member) = member else { return filled(&text) };
        let fault = || SecretFault::NoMember(member.to_owned());
        let object: BTreeMap<String, Value> = serde_json::from_str(&text).map_err(|_| fault())?;
        match object.get(member) {
            Some(Value::String(text)) => filled(text),
            Some(Value::Number(number)) => filled(&number.to_string()),
            _ => Err(fault()),
        }
    }

    /// The value of a parameter of Parameter Store, decrypted, by name or ARN.
    ///
    /// # Errors
    /// [`SecretFault`], which never holds the value.
    pub async fn parameter(&self, name: &str) -> Result<Secret, SecretFault> {
        let input = json!({"Name": name, "WithDecryption": true});
        let mut answer = self.call("ssm", "GetParameter", name, &input).await?;
        match answer.pointer_mut("/Parameter/Value").map(Value::take) {
            Some(Value::String(text)) => filled(&Zeroizing::new(text)),
            _ => Err(SecretFault::Failed("the answer of Parameter Store has no value".into())),
        }
    }

    /// Encrypts a few bytes (a data key) with a KMS key, bound to a context.
    ///
    /// # Errors
    /// [`SecretFault`].
    pub async fn encrypt(
        &self,
        key: &str,
        plain: &[u8],
        context: &BTreeMap<String, String>,
    ) -> Result<Vec<u8>, SecretFault> {
        let plain = Zeroizing::new(to_base64(plain));
        let input = json!({"KeyId": key, "Plaintext": *plain, "EncryptionContext": context});
        let answer = self.call("kms", "Encrypt", key, &input).await?;
        bytes(&answer, "CiphertextBlob")
    }

    /// Decrypts what [`SecretReader::encrypt`] made, with the same key and context.
    ///
    /// # Errors
    /// [`SecretFault::Sealed`] where KMS says that it is not what that key made in that context.
    pub async fn decrypt(
        &self,
        key: &str,
        sealed: &[u8],
        context: &BTreeMap<String, String>,
    ) -> Result<Zeroizing<Vec<u8>>, SecretFault> {
        let input = json!({
            "KeyId": key,
            "CiphertextBlob": to_base64(sealed),
            "EncryptionContext": context,
        });
        let answer = self.call("kms", "Decrypt", key, &input).await?;
        bytes(&answer, "Plaintext").map(Zeroizing::new)
    }

    async fn call(
        &self,
        service: &str,
        operation: &str,
        name: &str,
        input: &Value,
    ) -> Result<Value, SecretFault> {
        let region = region_of(name).unwrap_or(&self.home.region);
        let target = Target { region: region.to_owned(), ..self.home.clone() };
        let signer = Signer::Caller;
        let call = Call { target: &target, signer, service, operation, input };
        self.aws.inner.invoke(call, &self.cancel).await.map_err(|error| fault_of(&error))
    }
}

/// The fourth part of an ARN.
fn region_of(name: &str) -> Option<&str> {
    let region = name.strip_prefix("arn:")?.split(':').nth(2)?;
    (!region.is_empty()).then_some(region)
}

/// Codes by the API references of the three services, "Errors", seen 2026-11.
fn fault_of(error: &CallError) -> SecretFault {
    const ABSENT: [&str; 4] = [
        "ResourceNotFoundException",
        "ParameterNotFound",
        "ParameterVersionNotFound",
        "NotFoundException",
    ];
    const SEALED: [&str; 2] = ["InvalidCiphertextException", "IncorrectKeyException"];
    if ABSENT.iter().any(|code| error.is(code)) {
        return SecretFault::Absent;
    }
    if SEALED.iter().any(|code| error.is(code)) {
        let text = "it does not open: it was sealed with another key, belongs elsewhere, or was \
                    changed";
        return SecretFault::Sealed(text.to_owned());
    }
    match &error.kind {
        CallErrorKind::Denied { .. } => SecretFault::Denied(error.to_string()),
        _ => SecretFault::Failed(error.to_string()),
    }
}

fn filled(text: &str) -> Result<Secret, SecretFault> {
    if text.is_empty() { Err(SecretFault::Empty) } else { Ok(Secret::new(text)) }
}

/// A secret that was stored as bytes, where the bytes are a text.
fn binary(answer: &mut Value) -> Result<Zeroizing<String>, SecretFault> {
    let bytes = Zeroizing::new(bytes(answer, "SecretBinary").map_err(|_| SecretFault::Empty)?);
    let text = std::str::from_utf8(&bytes).map_err(|_| SecretFault::NotText)?;
    Ok(Zeroizing::new(text.to_owned()))
}

fn bytes(answer: &Value, member: &str) -> Result<Vec<u8>, SecretFault> {
    let text = answer.get(member).and_then(Value::as_str);
    text.and_then(from_base64)
        .ok_or_else(|| SecretFault::Failed(format!("the answer has no `{member}`")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::fake::{Fake, Reply, Request, tables};

    const ACCOUNT: &str = "111122223333";

    async fn reader(
        script: impl Fn(&str, &Value) -> Reply + Send + Sync + 'static,
    ) -> (Fake, SecretReader) {
        let fake = Fake::new(move |_, request| {
            let operation = request.header("x-amz-target").unwrap_or_default();
            let operation = operation.rsplit('.').next().unwrap_or_default();
            script(operation, &serde_json::from_str(request.body()).unwrap())
        });
        let (api, actions) = tables();
        let aws = Aws::builder(api, actions)
            .isolated()
            .keys("AKID", "secret", None)
            .region("us-east-1")
            .seed(1)
            .connector(fake.clone())
            .build()
            .await
            .unwrap();
        let home = Target::new(ACCOUNT, "us-east-1");
        (fake, aws.secrets(home, CancellationToken::new()))
    }

    #[tokio::test(start_paused = true)]
    async fn a_secret_is_read_whole_or_by_member() {
        let (_, reader) = reader(|operation, input| {
            assert_eq!(operation, "GetSecretValue");
            match input["SecretId"].as_str().unwrap() {
                "plain" => Reply::json(200, r#"{"SecretString":"hunter2"}"#),
                "object" => {
                    Reply::json(200, r#"{"SecretString":"{\"token\":\"xoxb\",\"port\":25}"}"#)
                }
                "bytes" => Reply::json(200, r#"{"SecretBinary":"aHVudGVyMg=="}"#),
                _ => Reply::json(200, r#"{"SecretBinary":"/w=="}"#),
            }
        })
        .await;
        let check = async |id: &str, member: Option<&str>| match reader.secret(id, member).await {
            Ok(secret) => Ok(secret.expose().to_owned()),
            Err(fault) => Err(fault),
        };
        assert_eq!(check("plain", None).await, Ok("hunter2".into()));
        assert_eq!(check("object", Some("token")).await, Ok("xoxb".into()));
        assert_eq!(check("object", Some("port")).await, Ok("25".into()));
        assert_eq!(check("bytes", None).await, Ok("hunter2".into()));
        assert_eq!(check("none", None).await, Err(SecretFault::NotText));
        for (id, member) in [("object", "x"), ("plain", "token")] {
            let fault = check(id, Some(member)).await.unwrap_err();
            assert_eq!(fault, SecretFault::NoMember(member.into()));
            assert!(!fault.to_string().contains("hunter2"));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_arn_is_asked_in_its_own_region() {
        let (fake, reader) = reader(|operation, input| {
            assert_eq!((operation, &input["WithDecryption"]), ("GetParameter", &json!(true)));
            Reply::json(200, r#"{"Parameter":{"Value":"hunter2"}}"#)
        })
        .await;
        let arn = "arn:aws:ssm:eu-west-1:111122223333:parameter/yagura/x";
        assert_eq!(reader.parameter(arn).await.unwrap().expose(), "hunter2");
        reader.parameter("/yagura/x").await.unwrap();
        let regions: Vec<_> = fake.seen().iter().map(Request::scope_region).collect();
        assert_eq!(regions, ["eu-west-1", "us-east-1"]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_aws_refuses_is_told_apart() {
        let (_, reader) = reader(|_, input| {
            let code = input["SecretId"].as_str().unwrap();
            Reply::json(400, &format!(r#"{{"__type":"{code}","message":"no"}}"#))
        })
        .await;
        let check = async |code: &str| reader.secret(code, None).await.unwrap_err();
        assert_eq!(check("ResourceNotFoundException").await, SecretFault::Absent);
        assert!(matches!(check("AccessDeniedException").await, SecretFault::Denied(_)));
        let other = check("InvalidRequestException").await;
        assert!(matches!(&other, SecretFault::Failed(text) if text.contains("GetSecretValue")));
    }

    #[tokio::test(start_paused = true)]
    async fn kms_wraps_with_a_context_and_says_what_does_not_open() {
        let (_, reader) = reader(|operation, input| {
            assert_eq!(input["EncryptionContext"], json!({"yagura:secret": "smtp"}));
            match (operation, input["CiphertextBlob"].as_str()) {
                ("Encrypt", None) => {
                    assert_eq!(input["Plaintext"], "AQI=");
                    Reply::json(200, r#"{"CiphertextBlob":"c2VhbGVk"}"#)
                }
                ("Decrypt", Some("c2VhbGVk")) => Reply::json(200, r#"{"Plaintext":"AQI="}"#),
                _ => Reply::json(400, r#"{"__type":"InvalidCiphertextException"}"#),
            }
        })
        .await;
        let context = BTreeMap::from([("yagura:secret".to_owned(), "smtp".to_owned())]);
        let sealed = reader.encrypt("alias/yagura", &[1, 2], &context).await.unwrap();
        assert_eq!(sealed, b"sealed");
        let plain = reader.decrypt("alias/yagura", &sealed, &context).await.unwrap();
        assert_eq!(plain.as_slice(), [1, 2]);
        let fault = reader.decrypt("alias/yagura", b"other", &context).await.unwrap_err();
        assert!(matches!(fault, SecretFault::Sealed(_)), "{fault}");
    }

    #[tokio::test]
    async fn the_read_client_still_refuses_every_one_of_these() {
        let (_, reader) = reader(|_, _| Reply::json(200, "{}")).await;
        let client = reader.aws.read(crate::Declared::none());
        for (service, operation) in [
            ("secretsmanager", "GetSecretValue"),
            ("ssm", "GetParameter"),
            ("kms", "Encrypt"),
            ("kms", "Decrypt"),
        ] {
            assert!(client.refusal(service, operation).is_some(), "{service}:{operation}");
        }
    }
}
