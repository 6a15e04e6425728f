/**
 * The YAML of the integration's documentation, word for word, under the headings that it has there. Tests and demo apply these texts;
 * where a test cannot (there is no IRSA without Amazon), it says what it puts in their place.
 *
 * docs/parity.md points here.
 */

/** Texts of `values.yaml`. */
export const documentedConfigs = {
  /** "Basic Configuration". */
  basic: `integrations:
  externalSecrets:
    enabled: true
`,
  /** "Advanced Configuration". */
  advanced: `integrations:
  externalSecrets:
    enabled: true
    
    # Reuse host cluster webhooks (recommended)
    webhook:
      enabled: false
    
    sync:
      toHost:
        # Sync ExternalSecrets from virtual to host
        externalSecrets:
          selector:
            matchLabels:
              sync: "true"
        
        # Optionally sync SecretStores
        stores:
          enabled: false
          selector:
            matchLabels:
              shared: "true"
      
      fromHost:
        # Sync ClusterSecretStores from host to virtual cluster
        clusterStores:
          enabled: false
          selector:
            matchLabels:
              vcluster-accessible: "true"
`,
  /** "Selective Syncing with Labels". */
  selective: `integrations:
  externalSecrets:
    enabled: true
    sync:
      toHost:
        externalSecrets:
          selector:
            matchLabels:
              environment: production
              team: platform
`,
  /** "Issue: ClusterSecretStores Not Visible". */
  clusterStores: `integrations:
  externalSecrets:
    enabled: true
    sync:
      fromHost:
        clusterStores:
          enabled: true
`,
  /** "Issue: Integration Conflicts": what it recommends. */
  conflictSolved: `# ✅ Use integration instead
integrations:
  externalSecrets:
    enabled: true
`,
  /** "Configuration Reference". */
  reference: `integrations:
  externalSecrets:
    # Enable/disable the integration
    enabled: false
    
    # Webhook configuration
    webhook:
      # Reuse host cluster webhooks
      enabled: false
    
    # Sync configuration
    sync:
      # Resources synced from virtual to host
      toHost:
        # ExternalSecret resources
        externalSecrets:
          selector:
            matchLabels: {}
        
        # SecretStore resources (namespace-scoped)
        stores:
          enabled: false
          selector:
            matchLabels: {}
      
      # Resources synced from host to virtual
      fromHost:
        # ClusterSecretStore resources
        clusterStores:
          enabled: false
          selector:
            matchLabels: {}
`,
} as const

/** "Issue: Integration Conflicts": what must be refused beside an enabled integration. */
export const documentedConflict = `# ❌ Don't do this when integration is enabled
sync:
  toHost:
    customResources:
      externalsecrets.external-secrets.io:
        enabled: true
`

/** Objects, as `kubectl apply -f -` takes them. */
export const documented = {
  /** "Using a ClusterSecretStore from the Host": an ExternalSecret. */
  clusterStoreExample: `apiVersion: external-secrets.io/v1beta1
kind: ExternalSecret
metadata:
  name: aws-secret
  namespace: default
spec:
  refreshInterval: 1h
  secretStoreRef:
    name: aws-parameter-store  # ClusterSecretStore from host
    kind: ClusterSecretStore
  target:
    name: my-app-secret
    creationPolicy: Owner
  data:
  - secretKey: password
    remoteRef:
      key: /production/database/password
`,
  /** "Creating a SecretStore in the Virtual Cluster". */
  secretStore: `apiVersion: external-secrets.io/v1beta1
kind: SecretStore
metadata:
  name: vault-backend
  namespace: default
spec:
  provider:
    vault:
      server: "https://vault.example.com"
      path: "secret"
      version: "v2"
      auth:
        kubernetes:
          mountPath: "kubernetes"
          role: "demo-role"
          serviceAccountRef:
            name: external-secrets-sa
`,
  /** "Complete Example: AWS Secrets Manager", step 1: a ClusterSecretStore on the host. */
  awsClusterStore: `apiVersion: external-secrets.io/v1beta1
kind: ClusterSecretStore
metadata:
  name: aws-secrets-manager
  labels:
    vcluster-accessible: "true"
spec:
  provider:
    aws:
      service: SecretsManager
      region: us-east-1
      auth:
        jwt:
          serviceAccountRef:
            name: external-secrets
            namespace: external-secrets-system
`,
  /** "Complete Example: AWS Secrets Manager", step 2: an ExternalSecret in namespace `production`. */
  awsExternalSecret: `apiVersion: external-secrets.io/v1beta1
kind: ExternalSecret
metadata:
  name: database-credentials
  namespace: production
spec:
  refreshInterval: 15m
  secretStoreRef:
    name: aws-secrets-manager
    kind: ClusterSecretStore
  target:
    name: db-credentials
    creationPolicy: Owner
  dataFrom:
  - extract:
      key: production/database
`,
  /** "Using with HashiCorp Vault", step 1: a ClusterSecretStore on the host. */
  vaultClusterStore: `apiVersion: external-secrets.io/v1beta1
kind: ClusterSecretStore
metadata:
  name: vault-backend
  labels:
    vcluster-accessible: "true"
spec:
  provider:
    vault:
      server: "https://vault.company.com"
      path: "secret"
      version: "v2"
      auth:
        kubernetes:
          mountPath: "kubernetes/vcluster"
          role: "external-secrets"
`,
  /** "Using with HashiCorp Vault", step 2: an ExternalSecret. */
  vaultExternalSecret: `apiVersion: external-secrets.io/v1beta1
kind: ExternalSecret
metadata:
  name: api-keys
  namespace: default
spec:
  refreshInterval: 10m
  secretStoreRef:
    name: vault-backend
    kind: ClusterSecretStore
  target:
    name: api-credentials
  data:
  - secretKey: apiKey
    remoteRef:
      key: apps/my-app
      property: api_key
  - secretKey: apiSecret
    remoteRef:
      key: apps/my-app
      property: api_secret
`,
  /** "Example: Multi-Cloud Setup": three ClusterSecretStores on the host. */
  multiCloud: `# AWS Secrets Manager
apiVersion: external-secrets.io/v1beta1
kind: ClusterSecretStore
metadata:
  name: aws-store
  labels:
    vcluster-accessible: "true"
spec:
  provider:
    aws:
      service: SecretsManager
      region: us-east-1
      auth:
        jwt:
          serviceAccountRef:
            name: external-secrets
---
# Azure Key Vault
apiVersion: external-secrets.io/v1beta1
kind: ClusterSecretStore
metadata:
  name: azure-store
  labels:
    vcluster-accessible: "true"
spec:
  provider:
    azurekv:
      authType: WorkloadIdentity
      vaultUrl: "https://myvault.vault.azure.net"
      serviceAccountRef:
        name: external-secrets
---
# GCP Secret Manager
apiVersion: external-secrets.io/v1beta1
kind: ClusterSecretStore
metadata:
  name: gcp-store
  labels:
    vcluster-accessible: "true"
spec:
  provider:
    gcpsm:
      projectID: "my-project"
      auth:
        workloadIdentity:
          serviceAccountRef:
            name: external-secrets
`,
} as const
