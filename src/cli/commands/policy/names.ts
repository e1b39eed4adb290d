/** Whom a policy is for, by what goldkey does under it. */
export const POLICY_ROLES = ['reader', 'writer', 'rotator', 'doctor', 'creator'] as const;
export type PolicyRole = (typeof POLICY_ROLES)[number];

/** Places that a policy is attached to. */
export const POLICY_FORMATS = ['iam', 'key-policy', 'vpc-endpoint', 'vault', 'azure'] as const;
export type PolicyFormat = (typeof POLICY_FORMATS)[number];
