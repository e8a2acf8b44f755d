// One execution a message: KEDA looks at the queue training-jobs and starts a worker for each message that is visible.
param location string
param name string
param environmentId string
param gpuProfile string
param image string
param registryServer string
param storageAccount string
param identityId string
param identityClientId string
param longestTrainingSeconds int

var isA100 = contains(gpuProfile, 'A100')

resource job 'Microsoft.App/jobs@2025-01-01' = {
  name: name
  location: location
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${identityId}': {} } }
  properties: {
    environmentId: environmentId
    workloadProfileName: 'gpu'
    configuration: {
      triggerType: 'Event'
      replicaTimeout: longestTrainingSeconds
      replicaRetryLimit: 0 // the message comes back by itself; a retry beside it would be a second worker
      registries: [{ server: registryServer, identity: identityId }]
      eventTriggerConfig: {
        parallelism: 1
        replicaCompletionCount: 1
        scale: {
          minExecutions: 0
          maxExecutions: 4
          pollingInterval: 30
          rules: [
            {
              name: 'training-jobs'
              type: 'azure-queue'
              identity: identityId
              metadata: {
                accountName: storageAccount
                queueName: 'training-jobs'
                queueLength: '1'
                // A message that a worker holds is invisible. Counted, it would start a GPU that finds nothing.
                queueLengthStrategy: 'visibleonly'
              }
            }
          ]
        }
      }
    }
    template: {
      containers: [
        {
          name: 'gpu-worker'
          image: image
          args: ['run', '--idle-exit', '60']
          resources: { cpu: isA100 ? 24 : 8, memory: isA100 ? '220Gi' : '56Gi' }
          env: [
            { name: 'AzureWebJobsStorage__accountName', value: storageAccount }
            { name: 'AZURE_CLIENT_ID', value: identityClientId }
          ]
        }
      ]
    }
  }
}
