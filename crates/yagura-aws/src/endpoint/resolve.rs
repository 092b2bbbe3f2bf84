//! Gathers the parameters of the endpoint rules and makes an address of their answer.
//! The rules themselves are in `rules.rs`.

use serde_json::Value;

use crate::api::{Operation, Service, path};
use crate::endpoint::functions::{is_host_label, parse_url};
use crate::endpoint::rules::{Answer, Auth, Parameter, Refusal, Var};
use crate::endpoint::{AuthScheme, Endpoint, EndpointError, EndpointSettings};

pub(super) fn resolve(
    service: &Service,
    operation: &Operation,
    input: &Value,
    settings: &EndpointSettings,
) -> Result<Endpoint, EndpointError> {
    let settings = &with_override(settings)?;
    let settings = &at_home(service.name(), operation.name(), settings);
    let broken = |what: String| EndpointError::Rules { service: service.name().into(), what };
    let rules = service.rules().map_err(|error| broken(error.to_string()))?;
    let mut values = Vec::with_capacity(rules.parameters.len());
    for parameter in &rules.parameters {
        let value = value_of(parameter, service, operation, input, settings);
        if value == Var::None && parameter.required {
            return Err(EndpointError::Refused {
                service: service.name().into(),
                message: format!("{} is required but not set", parameter.name),
            });
        }
        values.push(value);
    }
    match rules.evaluate(values, service.partitions()) {
        Ok(answer) => finish(service, operation, input, settings, answer),
        Err(Refusal::Message(message)) => {
            Err(EndpointError::Refused { service: service.name().into(), message })
        }
        Err(Refusal::Broken(what)) => Err(broken(what)),
    }
}

/// Checks the override; an address of one's own has no bucket in its host name.
fn with_override(settings: &EndpointSettings) -> Result<EndpointSettings, EndpointError> {
    let mut settings = settings.clone();
    if let Some(url) = &settings.override_url {
        if parse_url(url).is_none() {
            return Err(EndpointError::BadOverride { url: url.clone() });
        }
        settings.s3_path_style = true;
    }
    Ok(settings)
}

/// Some APIs are in one region for all of them, which their rules do not tell: that of Global
/// Accelerator (AWS Global Accelerator API Reference, "Welcome") and that of S3's Multi-Region
/// Access Points (Amazon S3 User Guide, "Multi-Region Access Point restrictions and limitations",
/// both seen 2026-11). Other partitions do not offer them.
fn at_home(service: &str, operation: &str, settings: &EndpointSettings) -> EndpointSettings {
    const HOME: &str = "us-west-2";
    let mut settings = settings.clone();
    let elsewhere = ["cn-", "us-gov-", "us-iso", "eu-isoe-", "eusc-"];
    let outside = elsewhere.iter().any(|prefix| settings.region.starts_with(prefix));
    let at_home = service == "globalaccelerator"
        || service == "s3control" && operation.contains("MultiRegionAccessPoint");
    if at_home && !outside {
        HOME.clone_into(&mut settings.region);
    }
    settings
}

/// Static parameters of the operation win over its input, that over the user's settings.
fn value_of<'a>(
    parameter: &Parameter,
    service: &Service,
    operation: &Operation,
    input: &Value,
    settings: &EndpointSettings,
) -> Var<'a> {
    let name = &*parameter.name;
    let constant = operation.static_parameters().iter().find(|(known, _)| **known == *name);
    if let Some((_, value)) = constant {
        return var(value);
    }
    let member = operation
        .input()
        .and_then(|shape| shape.members().find(|m| m.endpoint_parameter() == Some(name)));
    if let Some(value) = member.and_then(|member| input.get(member.name())) {
        return var(value);
    }
    let picked = operation.context_parameters().iter().find(|(known, _)| **known == *name);
    if let Some((_, place)) = picked {
        return var(&path::pick(input, place));
    }
    let built_in = parameter.built_in.as_deref();
    let client = service.client_parameters().iter().any(|known| **known == *name);
    match setting(built_in.unwrap_or(if client { name } else { "" }), settings) {
        Var::None => parameter.default.as_ref().map_or(Var::None, var),
        value => value,
    }
}

fn var<'a>(value: &Value) -> Var<'a> {
    match value {
        Value::Bool(truth) => Var::Bool(*truth),
        Value::String(text) => Var::Text(text.clone()),
        Value::Array(list) => {
            Var::List(list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        }
        _ => Var::None,
    }
}

fn setting<'a>(name: &str, settings: &EndpointSettings) -> Var<'a> {
    let text = |text: Option<&String>| text.map_or(Var::None, |text| Var::Text(text.clone()));
    match name {
        "AWS::Region" => text(Some(&settings.region).filter(|region| !region.is_empty())),
        "AWS::UseFIPS" => Var::Bool(settings.fips),
        "AWS::UseDualStack" => Var::Bool(settings.dual_stack),
        "SDK::Endpoint" => text(settings.override_url.as_ref()),
        "AWS::S3::ForcePathStyle" => Var::Bool(settings.s3_path_style),
        "AWS::S3::Accelerate" => Var::Bool(settings.s3_accelerate),
        "AWS::S3::UseArnRegion" | "AWS::S3Control::UseArnRegion" => {
            Var::Bool(settings.s3_use_arn_region)
        }
        "AWS::S3::DisableMultiRegionAccessPoints" => {
            Var::Bool(settings.s3_disable_multi_region_access_points)
        }
        // The regional endpoints have been the default of every current SDK since July 2022.
        "AWS::S3::UseGlobalEndpoint" | "AWS::STS::UseGlobalEndpoint" => Var::Bool(false),
        "AWS::Auth::AccountId" => text(settings.account_id.as_ref()),
        "AWS::Auth::AccountIdEndpointMode" => {
            let mode = settings.account_id_mode.as_deref().unwrap_or("disabled");
            Var::Text(mode.to_owned())
        }
        _ => Var::None,
    }
}

fn finish(
    service: &Service,
    operation: &Operation,
    input: &Value,
    settings: &EndpointSettings,
    answer: Answer,
) -> Result<Endpoint, EndpointError> {
    let (auth_scheme, auth) = choose(service, &answer.auth);
    let url = match &settings.override_url {
        Some(wanted) => redirected(&answer.url, wanted),
        None => with_host_prefix(&answer.url, operation, input)?,
    };
    let region = auth.as_ref().and_then(|auth| auth.signing_region.clone());
    let region = region.filter(|region| region != "*").unwrap_or_else(|| {
        let region = &settings.region;
        let partition = service.partitions().of_region(region);
        // A pseudo-region such as `aws-global` cannot stand in a signature.
        match partition {
            Some(partition) if region.ends_with("-global") => {
                partition.implicit_global_region.to_string()
            }
            _ => region.clone(),
        }
    });
    let name = auth.as_ref().and_then(|auth| auth.signing_name.clone());
    Ok(Endpoint {
        url: url.trim_end_matches('/').to_owned(),
        auth_scheme,
        signing_name: name.unwrap_or_else(|| service.signing_name().to_owned()),
        signing_region: region,
        single_encoding: auth.map_or(service.name() == "s3", |auth| auth.single_encoding),
        headers: answer.headers,
    })
}

/// The first scheme that we can sign with, else the first.
fn choose(service: &Service, schemes: &[Auth]) -> (AuthScheme, Option<Auth>) {
    let of = |name: &str| match name {
        "sigv4" => AuthScheme::SigV4,
        "sigv4a" => AuthScheme::SigV4a,
        "sigv4-s3express" => AuthScheme::S3Express,
        "bearer" => AuthScheme::Bearer,
        _ => AuthScheme::None,
    };
    let chosen = schemes.iter().find(|scheme| scheme.name == "sigv4").or(schemes.first());
    match chosen {
        Some(scheme) => (of(&scheme.name), Some(scheme.clone())),
        None => {
            let bearer = service.signature_version() == "bearer";
            (if bearer { AuthScheme::Bearer } else { AuthScheme::SigV4 }, None)
        }
    }
}

/// Everything goes to the override: only the path of the rules' answer is kept.
fn redirected(answer: &str, wanted: &str) -> String {
    match (parse_url(answer), parse_url(wanted)) {
        (Some(answer), Some(wanted)) => {
            format!("{}://{}{}", wanted.scheme, wanted.authority, answer.path)
        }
        _ => wanted.to_owned(),
    }
}

fn with_host_prefix(
    url: &str,
    operation: &Operation,
    input: &Value,
) -> Result<String, EndpointError> {
    let Some(template) = operation.host_prefix() else { return Ok(url.to_owned()) };
    let mut prefix = template.to_owned();
    for member in operation.input().into_iter().flat_map(crate::api::Shape::members) {
        if !member.is_host_label() {
            continue;
        }
        let value = input.get(member.name()).and_then(Value::as_str).unwrap_or_default();
        if !is_host_label(value, true) {
            return Err(EndpointError::HostLabel {
                member: member.name().to_owned(),
                value: value.to_owned(),
            });
        }
        prefix = prefix.replace(&format!("{{{}}}", member.name()), value);
    }
    // The rules of S3 Control put the account in front already; a second one has no certificate.
    // botocore drops the prefix in the same way (`remove_accid_host_prefix_from_model`).
    let by_rules = operation
        .static_parameters()
        .iter()
        .any(|(name, value)| &**name == "RequiresAccountId" && *value == Value::Bool(true));
    if by_rules && template == "{AccountId}." {
        return Ok(url.to_owned());
    }
    match url.split_once("://") {
        Some((scheme, rest)) => Ok(format!("{scheme}://{prefix}{rest}")),
        None => Ok(url.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_one_region_for_all_is_asked_there_and_nothing_else_is() {
        let check = |service: &str, operation: &str, region: &str, expected: &str| {
            let settings = EndpointSettings::new(region);
            let asked = at_home(service, operation, &settings).region;
            assert_eq!(asked, expected, "{service}:{operation} from {region}");
        };
        check("s3control", "ListMultiRegionAccessPoints", "us-east-1", "us-west-2");
        check("s3control", "ListAccessPoints", "us-east-1", "us-east-1");
        check("s3", "ListBuckets", "eu-west-1", "eu-west-1");
        check("globalaccelerator", "ListAccelerators", "ap-northeast-1", "us-west-2");
        check("globalaccelerator", "ListAccelerators", "cn-north-1", "cn-north-1");
    }
}
