using System.Text.Json.Nodes;
using Pipeline.Contracts;

namespace Pipeline.Functions.Tests.Contracts;

/// <summary>
/// Ids of runs and datasets hash the settings under their former names, so
/// that the same drop stays the same run.
/// </summary>
public sealed class StoredNamesTests
{
    /// <summary>As version 0.1.0 of 2026-11-28 wrote them, before names changed.</summary>
    private const string Settings = """
        {
          "task": "classification",
          "taskIsSaid": false,
          "columns": {},
          "labels": [],
          "validation": {
            "maxTokens": 256,
            "nearDuplicates": "group"
          },
          "privacy": {
            "mode": "keep",
            "types": [
              "EMAIL_ADDRESS",
              "IBAN_CODE",
              "URL",
              "IP_ADDRESS",
              "CREDIT_CARD",
              "US_SSN",
              "PHONE_NUMBER",
              "PERSON",
              "STREET_ADDRESS"
            ],
            "locale": "en",
            "seed": 1
          },
          "synthesis": {
            "seed": 1,
            "locale": "en",
            "templates": [],
            "isAskedFor": false
          },
          "split": {
            "validation": 0.1,
            "test": 0.15,
            "seed": 1
          },
          "base": "tiny-llama-chat",
          "training": {
            "method": "qlora",
            "r": 16,
            "alpha": 32,
            "dropout": 0.05,
            "rslora": false,
            "dora": false,
            "targets": [
              "all-linear"
            ],
            "neftuneAlpha": 0,
            "epochs": 3,
            "batchSize": 16,
            "gradientAccumulation": 1,
            "schedule": "cosine",
            "warmupSteps": 20,
            "optimizer": "adamw",
            "memory": "auto",
            "weightDecay": 0.01,
            "clipNorm": 1,
            "seed": 1,
            "checkpointSteps": 50,
            "keepBest": false
          },
          "evaluation": {
            "bootstrapSamples": 2000,
            "generate": true,
            "minimumStopRate": 0.95
          },
          "promotion": {
            "minimumGain": 0
          },
          "retraining": {
            "feedbackCount": 50,
            "scheduledMinimum": 1
          },
          "machine": {}
        }
        """;

    [Fact]
    public void Settings_WrittenForIds_AreTheBytesOfTheVersionBefore() =>
        Assert.Equal(JsonNode.Parse(Settings)!.ToJsonString(), SettingsIdentity.Write(new ProjectSettings()));

    [Fact]
    public void JobState_OfAJobUnderWay_IsRead()
    {
        JobState state = ContractJson.Read<JobState>("""{"attempt":"a","fruitless":2,"done":false}""");

        Assert.Equal(2, state.AttemptsWithoutCheckpoint);
    }
}
