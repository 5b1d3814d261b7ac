//! The files of an export and how to obtain each.

use crate::ingest::import::Document;

pub(super) const DOCUMENTS: &[Document] = &[
    Document {
        name: "users",
        obtain: "`az rest --method get --url 'https://graph.microsoft.com/v1.0/users?$top=999&$select=id,userPrincipalName,displayName,department,mail,otherMails,proxyAddresses,mobilePhone,businessPhones,accountEnabled,userType,onPremisesSyncEnabled,onPremisesImmutableId,onPremisesSecurityIdentifier,onPremisesSamAccountName'` until no nextLink is left, or the portal: Users, Download users",
        yields: "accounts, mailboxes, recovery addresses and phones, what is synchronised",
    },
    Document {
        name: "registrationDetails",
        obtain: "GET /v1.0/reports/authenticationMethods/userRegistrationDetails",
        yields: "second factors, who may reset the own password",
    },
    Document {
        name: "methods",
        obtain: "GET /v1.0/users/ID/authentication/methods, one file per user with the id in its name",
        yields: "numbers, addresses and devices of second factors",
    },
    Document {
        name: "groups",
        obtain: "GET /v1.0/groups?$select=id,displayName,isAssignableToRole,securityEnabled,groupTypes,membershipRule",
        yields: "groups",
    },
    Document {
        name: "groupMembers",
        obtain: "GET /v1.0/groups/ID/members, one file per group with the id in its name",
        yields: "memberships",
    },
    Document {
        name: "groupOwners",
        obtain: "GET /v1.0/groups/ID/owners, one file per group with the id in its name",
        yields: "who adds members",
    },
    Document {
        name: "roleDefinitions",
        obtain: "GET /v1.0/roleManagement/directory/roleDefinitions",
        yields: "names of roles, roles of the tenant's own that reset passwords",
    },
    Document {
        name: "roleAssignments",
        obtain: "GET /v1.0/roleManagement/directory/roleAssignments",
        yields: "active roles with their scope",
    },
    Document {
        name: "roleEligibilitySchedules",
        obtain: "GET /v1.0/roleManagement/directory/roleEligibilityScheduleInstances",
        yields: "eligible roles with their scope",
    },
    Document {
        name: "directoryRoles",
        obtain: "GET /v1.0/directoryRoles?$expand=members",
        yields: "active roles over the tenant",
    },
    Document {
        name: "groupEligibilitySchedules",
        obtain: "GET /v1.0/identityGovernance/privilegedAccess/group/eligibilityScheduleInstances?$filter=groupId eq 'ID'",
        yields: "eligible members and owners of groups",
    },
    Document {
        name: "administrativeUnits",
        obtain: "GET /v1.0/directory/administrativeUnits",
        yields: "units and whether they are restricted",
    },
    Document {
        name: "unitMembers",
        obtain: "GET /v1.0/directory/administrativeUnits/ID/members, one file per unit with the id in its name",
        yields: "whom roles over a unit reset",
    },
    Document {
        name: "scopedRoleMembers",
        obtain: "GET /v1.0/directory/administrativeUnits/ID/scopedRoleMembers",
        yields: "roles over a unit",
    },
    Document {
        name: "authorizationPolicy",
        obtain: "GET /v1.0/policies/authorizationPolicy",
        yields: "whether administrators reset their own passwords",
    },
    Document {
        name: "passwordResetPolicies",
        obtain: "the portal's GET https://main.iam.ad.ext.azure.com/api/PasswordReset/PasswordResetPolicies",
        yields: "how many methods users need, and which",
    },
    Document {
        name: "applications",
        obtain: "GET /v1.0/applications?$select=id,appId,displayName",
        yields: "which service principals an application's owners control",
    },
    Document {
        name: "applicationOwners",
        obtain: "GET /v1.0/applications/ID/owners, one file per application with the id in its name",
        yields: "who adds credentials to it",
    },
    Document {
        name: "servicePrincipals",
        obtain: "GET /v1.0/servicePrincipals?$select=id,appId,displayName,servicePrincipalType,accountEnabled",
        yields: "service identities",
    },
    Document {
        name: "servicePrincipalOwners",
        obtain: "GET /v1.0/servicePrincipals/ID/owners, one file per principal with the id in its name",
        yields: "who adds credentials to it",
    },
    Document {
        name: "appRoleAssignments",
        obtain: "GET /v1.0/servicePrincipals/ID/appRoleAssignments",
        yields: "takeover-grade permissions",
    },
    Document {
        name: "authenticationMethodsPolicy",
        obtain: "GET /v1.0/policies/authenticationMethodsPolicy",
        yields: "methods that are switched off and reset nothing",
    },
];
