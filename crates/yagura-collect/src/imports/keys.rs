//! What foreign findings call a resource, as our key of it and CloudFormation's name of its type.
//! A name that cannot be told apart stays as the product wrote it; nothing is guessed.

use yagura_model::imported::ImportedResource;
use yagura_model::{Arn, GLOBAL_REGION, resource_key};

/// Our type of an account.
const ACCOUNT: &str = "Yagura::Account::Account";

/// Types by what their ARNs begin with: service, then the resource's first part (empty: any).
/// The longest beginning wins. Source: Service Authorization Reference, seen 2026-11.
const TYPES: &[(&str, &str, &str)] = &[
    ("acm", "certificate/", "AWS::CertificateManager::Certificate"),
    ("cloudfront", "distribution/", "AWS::CloudFront::Distribution"),
    ("cloudtrail", "trail/", "AWS::CloudTrail::Trail"),
    ("codebuild", "project/", "AWS::CodeBuild::Project"),
    ("dynamodb", "table/", "AWS::DynamoDB::Table"),
    ("ec2", "image/", "AWS::EC2::Image"),
    ("ec2", "instance/", "AWS::EC2::Instance"),
    ("ec2", "network-acl/", "AWS::EC2::NetworkAcl"),
    ("ec2", "network-interface/", "AWS::EC2::NetworkInterface"),
    ("ec2", "route-table/", "AWS::EC2::RouteTable"),
    ("ec2", "security-group/", "AWS::EC2::SecurityGroup"),
    ("ec2", "snapshot/", "AWS::EC2::Snapshot"),
    ("ec2", "subnet/", "AWS::EC2::Subnet"),
    ("ec2", "transit-gateway/", "AWS::EC2::TransitGateway"),
    ("ec2", "volume/", "AWS::EC2::Volume"),
    ("ec2", "vpc/", "AWS::EC2::VPC"),
    ("ecr", "repository/", "AWS::ECR::Repository"),
    ("ecs", "cluster/", "AWS::ECS::Cluster"),
    ("ecs", "service/", "AWS::ECS::Service"),
    ("ecs", "task-definition/", "AWS::ECS::TaskDefinition"),
    ("eks", "cluster/", "AWS::EKS::Cluster"),
    ("elasticfilesystem", "file-system/", "AWS::EFS::FileSystem"),
    ("elasticloadbalancing", "loadbalancer/", "AWS::ElasticLoadBalancing::LoadBalancer"),
    ("elasticloadbalancing", "loadbalancer/app/", "AWS::ElasticLoadBalancingV2::LoadBalancer"),
    ("elasticloadbalancing", "loadbalancer/gwy/", "AWS::ElasticLoadBalancingV2::LoadBalancer"),
    ("elasticloadbalancing", "loadbalancer/net/", "AWS::ElasticLoadBalancingV2::LoadBalancer"),
    ("es", "domain/", "AWS::OpenSearchService::Domain"),
    ("iam", "group/", "AWS::IAM::Group"),
    ("iam", "policy/", "AWS::IAM::ManagedPolicy"),
    ("iam", "role/", "AWS::IAM::Role"),
    ("iam", "user/", "AWS::IAM::User"),
    ("kinesis", "stream/", "AWS::Kinesis::Stream"),
    ("kms", "key/", "AWS::KMS::Key"),
    ("lambda", "function:", "AWS::Lambda::Function"),
    ("rds", "cluster:", "AWS::RDS::DBCluster"),
    ("rds", "db:", "AWS::RDS::DBInstance"),
    ("rds", "snapshot:", "AWS::RDS::DBSnapshot"),
    ("redshift", "cluster:", "AWS::Redshift::Cluster"),
    ("s3", "", "AWS::S3::Bucket"),
    ("secretsmanager", "secret:", "AWS::SecretsManager::Secret"),
    ("sns", "", "AWS::SNS::Topic"),
    ("sqs", "", "AWS::SQS::Queue"),
    ("states", "stateMachine:", "AWS::StepFunctions::StateMachine"),
];

/// The account itself.
pub(super) fn of_account(account: &str) -> ImportedResource {
    ImportedResource {
        key: resource_key(None, account, GLOBAL_REGION, ACCOUNT, account),
        type_name: Some(ACCOUNT.to_owned()),
        name: None,
    }
}

/// A resource by what a product calls it: an ARN, an account, or a name of its own.
pub(super) fn of(name: &str) -> ImportedResource {
    if let Some(account) = name.strip_prefix("AWS::::Account:") {
        return of_account(account);
    }
    let Ok(arn) = name.parse::<Arn>() else {
        return ImportedResource { key: name.to_owned(), type_name: None, name: None };
    };
    // The root of an account stands for the account.
    if arn.service == "iam" && arn.resource == "root" {
        return of_account(&arn.account);
    }
    let type_name = type_of(&arn);
    let object = arn.service == "s3" && arn.resource.contains('/');
    let name = arn.resource.rsplit([':', '/']).next().filter(|name| !name.is_empty());
    ImportedResource {
        key: arn.to_string(),
        type_name: type_name.filter(|_| !object).map(str::to_owned),
        name: name.map(str::to_owned),
    }
}

/// A resource whose type the product says itself, in `CloudFormation`'s words.
pub(super) fn of_typed(
    name: &str,
    type_name: Option<&str>,
    account: &str,
    region: &str,
) -> ImportedResource {
    let typed = type_name.filter(|type_name| type_name.split("::").count() == 3);
    if typed == Some("AWS::S3::Bucket") && !name.starts_with("arn:") {
        let known = of(&format!("arn:{}:s3:::{name}", partition(region)));
        return ImportedResource { name: Some(name.to_owned()), ..known };
    }
    let mut resource = of(name);
    if resource.key.starts_with("arn:") || resource.type_name.is_some() {
        if resource.type_name.is_none() {
            resource.type_name = typed.map(str::to_owned);
        }
        return resource;
    }
    let Some(type_name) = typed else { return resource };
    if type_name == "AWS::::Account" {
        return of_account(name);
    }
    let arn = ec2_arn(type_name, name, account, region);
    ImportedResource {
        key: resource_key(arn.as_deref(), account, region, type_name, name),
        type_name: Some(type_name.to_owned()),
        name: Some(name.to_owned()),
    }
}

/// The ARN of a thing of EC2 whose id alone is told.
fn ec2_arn(type_name: &str, id: &str, account: &str, region: &str) -> Option<String> {
    let row = TYPES.iter().find(|(service, _, name)| *service == "ec2" && *name == type_name)?;
    let partition = partition(region);
    Some(format!("arn:{partition}:ec2:{region}:{account}:{}{id}", row.1))
}

/// The partition of a region. Source: AWS General Reference, regions, seen 2026-11.
pub(super) fn partition(region: &str) -> &'static str {
    match region {
        region if region.starts_with("cn-") => "aws-cn",
        region if region.starts_with("us-gov-") => "aws-us-gov",
        region if region.starts_with("us-isob-") => "aws-iso-b",
        region if region.starts_with("us-iso-") => "aws-iso",
        _ => "aws",
    }
}

fn type_of(arn: &Arn) -> Option<&'static str> {
    let fits = |(service, begin, _): &&(&str, &str, &str)| {
        *service == arn.service && arn.resource.starts_with(begin)
    };
    TYPES.iter().filter(fits).max_by_key(|(_, begin, _)| begin.len()).map(|(_, _, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_products_call_a_resource_becomes_our_key() {
        let check = |name: &str, key: &str, type_name: Option<&str>| {
            let resource = of(name);
            assert_eq!((&*resource.key, resource.type_name.as_deref()), (key, type_name), "{name}");
        };
        let account = "111122223333/global/Yagura::Account::Account/111122223333";
        check("AWS::::Account:111122223333", account, Some(ACCOUNT));
        check("arn:aws:iam::111122223333:root", account, Some(ACCOUNT));
        check("arn:aws:s3:::logs", "arn:aws:s3:::logs", Some("AWS::S3::Bucket"));
        check("arn:aws:s3:::logs/a/b", "arn:aws:s3:::logs/a/b", None);
        let balancer = "arn:aws:elasticloadbalancing:us-east-1:111122223333:loadbalancer/app/a/1";
        check(balancer, balancer, Some("AWS::ElasticLoadBalancingV2::LoadBalancer"));
        check("i-0123", "i-0123", None);
    }

    #[test]
    fn an_id_becomes_the_arn_that_our_inventory_has() {
        let of = |name, type_name| of_typed(name, Some(type_name), "111122223333", "eu-west-1").key;
        assert_eq!(
            of("sg-1", "AWS::EC2::SecurityGroup"),
            "arn:aws:ec2:eu-west-1:111122223333:security-group/sg-1"
        );
        assert_eq!(of("logs", "AWS::S3::Bucket"), "arn:aws:s3:::logs");
        assert_eq!(
            of("AIDA1", "AWS::IAM::User"),
            "111122223333/eu-west-1/AWS::IAM::User/AIDA1",
            "an id of IAM is no name: it stays"
        );
    }
}
