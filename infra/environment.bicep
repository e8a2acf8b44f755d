// Where the training job runs: a container environment with a GPU profile that costs nothing while no job runs.
param location string
param name string
param logsName string
param gpuProfile string

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' existing = {
  name: logsName
}

resource environment 'Microsoft.App/managedEnvironments@2025-01-01' = {
  name: name
  location: location
  properties: {
    appLogsConfiguration: {
      destination: 'log-analytics'
      logAnalyticsConfiguration: { customerId: workspace.properties.customerId, sharedKey: workspace.listKeys().primarySharedKey }
    }
    workloadProfiles: [{ name: 'gpu', workloadProfileType: gpuProfile }]
  }
}

output id string = environment.id
