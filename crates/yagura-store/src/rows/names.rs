//! Names of tables for resource types: `AWS::EC2::SecurityGroup` is `aws_ec2_security_group`.
//! INVARIANT: a name once published stays.

/// The table's name: vendor and service in small letters, the thing in words.
pub(super) fn table_of(type_name: &str) -> String {
    let mut parts: Vec<&str> = type_name.split("::").collect();
    let thing = parts.pop().unwrap_or_default();
    let mut name = parts.iter().map(|part| part.to_lowercase()).collect::<Vec<_>>();
    name.push(words(thing));
    name.join("_").replace(|c: char| !c.is_ascii_alphanumeric(), "_")
}

/// `DBInstance` is `db_instance`, `VPCEndpoint` is `vpc_endpoint`.
fn words(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut words = String::new();
    for (at, c) in chars.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| chars.get(at));
        let begins = c.is_uppercase()
            && before.is_some_and(|before| {
                !before.is_uppercase() || chars.get(at + 1).is_some_and(|next| next.is_lowercase())
            });
        if begins {
            words.push('_');
        }
        words.extend(c.to_lowercase());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_has_a_name_in_words() {
        for (type_name, table) in [
            ("AWS::S3::Bucket", "aws_s3_bucket"),
            ("AWS::EC2::SecurityGroup", "aws_ec2_security_group"),
            ("AWS::RDS::DBInstance", "aws_rds_db_instance"),
            ("AWS::EC2::VPCEndpoint", "aws_ec2_vpc_endpoint"),
            ("AWS::EC2::VPC", "aws_ec2_vpc"),
            ("AWS::DynamoDB::Table", "aws_dynamodb_table"),
            ("AWS::IAM::OIDCProvider", "aws_iam_oidc_provider"),
            ("Yagura::IAM::CredentialReport", "yagura_iam_credential_report"),
            ("odd-type", "odd_type"),
        ] {
            assert_eq!(table_of(type_name), table);
        }
    }
}
